module.exports = async credentials => { if (credentials.apiKey !== 'good') throw new Error('the key is not good'); return { verified: true }; };
