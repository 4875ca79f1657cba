exports.process = async (msg) => ({ body: msg.body });
