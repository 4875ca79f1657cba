exports.process = function act(msg) {
  if (msg.body.do === 'throw') throw new TypeError('the old mill is dry');
  if (msg.body.do === 'error') this.emit('error', new Error('emitted, not thrown'));
  else if (msg.body.do === 'rebound') this.emit('rebound', new Error('come again'));
  else this.emit('data', { body: { ground: msg.body.corn } });
  this.emit('end');
};
