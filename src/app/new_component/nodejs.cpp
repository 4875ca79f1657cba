#include "app/new_component.hpp"

namespace millrace::app {

std::vector<NewFile> new_nodejs_component() {
  return {{"component.json", R"text({
  "title": "@NAME@",
  "version": "1.0.0",
  "actions": {
    "shout": {
      "main": "./lib/actions/shout.js",
      "title": "Shout",
      "description": "Says the text of a message louder.",
      "fields": {
        "mark": { "viewClass": "TextFieldView", "label": "What stands at the end", "required": false }
      },
      "metadata": {
        "in": { "type": "object", "properties": { "text": { "type": "string", "required": true } } },
        "out": { "type": "object", "properties": { "text": { "type": "string" } } }
      }
    }
  }
}
)text"},
          {"package.json", R"text({
  "name": "@NAME@",
  "version": "1.0.0",
  "private": true,
  "scripts": { "test": "node --test test/" },
  "dependencies": { "elasticio-sailor-nodejs": "2.7.8" }
}
)text"},
          {"lib/actions/shout.js", R"text('use strict';

// What is returned is the message for the next steps. An error that is thrown makes the message a dead letter;
// this.emit('rebound', 'why') has it tried again later.
exports.process = async function shout(msg, cfg) {
  const { text } = msg.body;
  if (text === undefined) throw new Error('there is no text');
  await this.emit('data', { body: { text: text.toUpperCase() + (cfg.mark || '') } });
};
)text"},
          {"test/shout.test.js", R"text('use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { process: shout } = require('../lib/actions/shout.js');

/** What the action emits for a body. */
async function emitted(body, cfg = {}) {
  const all = [];
  await shout.call({ emit: async (event, value) => all.push([event, value.body]) }, { body }, cfg);
  return all;
}

test('a text is said louder', async () => {
  assert.deepStrictEqual(await emitted({ text: 'hello' }, { mark: '!' }), [['data', { text: 'HELLO!' }]]);
});

test('a message without text is an error', async () => {
  await assert.rejects(emitted({}), /there is no text/);
});
)text"}};
}

}  // namespace millrace::app
