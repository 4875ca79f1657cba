// amqplib's own test suite, which its package 0.10 brings along, against the broker: amqplib_own_suite.js URI
// It reads the address from the environment, and where it asks for AMQP's port without saying so, it gets the broker's.
'use strict'
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const Mocha = require('mocha')

const uri = process.argv[2]
const amqp_port = 5672
const {port} = new URL(uri)

process.env.URL = uri
const connect = net.connect
net.connect = (options, ...rest) =>
  connect(Number(options.port) === amqp_port ? {...options, port} : options, ...rest)

const folder = path.join(path.dirname(require.resolve('amqplib-0.10/package.json')), 'test')
const mocha = new Mocha({ui: 'tdd', reporter: 'dot', timeout: 10000})
for (const file of fs.readdirSync(folder)) mocha.addFile(path.join(folder, file))
mocha.run((failures) => process.exit(failures ? 1 : 0))
