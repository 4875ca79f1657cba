exports.process = async msg => ({ body: msg.body });
exports.kinds = async cfg => ({ cat: 'Cat', dog: 'Dog of ' + cfg.url });
exports.getMetaModel = async () => ({ in: { type: 'object', properties: { name: { type: 'string' } } }, out: {} });
