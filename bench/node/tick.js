// Prints the body of an empty message as the library encrypts it: stdin of the bench's tick.
const Encryptor = require(`${process.argv[2]}/node_modules/elasticio-sailor-nodejs/lib/encryptor.js`);
const [, , , password, iv] = process.argv;
process.stdout.write(new Encryptor(password, iv).encryptMessageContent({ body: {}, headers: {} }, 'base64').toString());
