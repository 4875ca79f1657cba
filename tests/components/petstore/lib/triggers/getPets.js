exports.process = async function () { await this.emit('data', { body: { id: 1, name: 'Rex' } }); };
