// npm's amqplib against the broker: amqplib_client.js URI everything | publish QUEUE COUNT | drain QUEUE COUNT
'use strict'
const assert = require('node:assert/strict')
const {once} = require('node:events')
const {randomUUID} = require('node:crypto')
const amqp = require('amqplib')

const [uri, task, ...rest] = process.argv.slice(2)
const durable = {persistent: true}

async function consumeSome(channel, queue, count, onMessage) {
  const taken = []
  let tag
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${taken.length} of ${count} came`)), 10000)
    channel.consume(queue, (message) => {
      if (taken.length === count) return
      taken.push(message)
      onMessage(message)
      if (taken.length === count) { clearTimeout(timer); resolve() }
    }).then((ok) => { tag = ok.consumerTag }, reject)
  })
  await channel.cancel(tag)
  return taken.map((message) => message.content.toString())
}

async function expectClose(code, action) {
  const connection = await amqp.connect(uri)
  const errors = []
  connection.on('error', (error) => errors.push(error))
  const channel = await connection.createChannel()
  const closed = new Promise((resolve) => { channel.on('error', resolve); connection.on('error', resolve) })
  Promise.resolve(action(channel)).catch(() => {})
  const error = await Promise.race([closed, new Promise((_, no) => setTimeout(() => no(new Error(`no ${code} came`)), 5000))])
  assert.equal(error.code, code, error.message)
  await connection.close().catch(() => {})
}

async function everything() {
  const name = `amqplib-${randomUUID()}`
  const connection = await amqp.connect(uri)
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange(name, 'direct', {durable: true})
  await channel.assertQueue(name, {durable: true})
  await channel.bindQueue(name, name, 'key')

  const returned = once(channel, 'return')
  channel.publish(name, 'other', Buffer.from('lost'), {mandatory: true, persistent: true})
  const [message] = await returned
  assert.equal(message.content.toString(), 'lost')
  assert.equal(message.fields.replyCode, 312)

  for (let i = 0; i < 200; ++i) channel.publish(name, 'key', Buffer.from(`${i}`), durable)
  await channel.waitForConfirms()
  await channel.prefetch(10)
  const seen = await consumeSome(channel, name, 200, (m) => channel.ack(m))
  assert.deepEqual(seen, Array.from({length: 200}, (_, i) => `${i}`))

  channel.sendToQueue(name, Buffer.from('again'), {headers: {a: 1, nested: {b: [1, 2, 'x']}}, persistent: true})
  await channel.waitForConfirms()
  const first = await channel.get(name)
  assert.deepEqual(first.properties.headers, {a: 1, nested: {b: [1, 2, 'x']}})
  channel.nack(first, false, true)
  const second = await channel.get(name)
  assert.equal(second.fields.redelivered, true)
  channel.ack(second)
  assert.equal(await channel.get(name), false)

  const big = Buffer.alloc(1 << 20, 'big body ')
  channel.sendToQueue(name, big, durable)
  await channel.waitForConfirms()
  assert.ok((await channel.get(name, {noAck: true})).content.equals(big))

  const doomed = await connection.createChannel()
  await doomed.assertQueue(name + '-doomed')
  const cancelled = new Promise((resolve) => doomed.consume(name + '-doomed', (m) => { if (m === null) resolve() }))
  await channel.checkQueue(name + '-doomed')
  await channel.deleteQueue(name + '-doomed')
  await cancelled
  await doomed.close()
  await channel.deleteQueue(name)
  await channel.deleteExchange(name)
  await connection.close()

  await expectClose(404, (c) => c.checkQueue('no-such-queue'))
  await expectClose(404, (c) => c.publish('no-such-exchange', 'k', Buffer.from('')))
  await expectClose(403, (c) => c.assertExchange('amq.mine', 'direct'))
  await expectClose(406, async (c) => { await c.assertQueue(name, {durable: true}); await c.assertQueue(name, {durable: false}) })
  await expectClose(406, (c) => c.ack({fields: {deliveryTag: 77}}))
}

async function publish(queue, count) {
  const connection = await amqp.connect(uri)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(queue, {durable: true})
  for (let i = 0; i < count; ++i) channel.sendToQueue(queue, Buffer.from(`message ${i}`), durable)
  await channel.waitForConfirms()
  process.exit(0)  // without closing: a client that dies
}

async function drain(queue, count) {
  const connection = await amqp.connect(uri)
  const channel = await connection.createChannel()
  const bodies = await consumeSome(channel, queue, count, (m) => channel.ack(m))
  assert.deepEqual(bodies, Array.from({length: count}, (_, i) => `message ${i}`))
  await connection.close()
}

const tasks = {everything, publish: () => publish(rest[0], Number(rest[1])), drain: () => drain(rest[0], Number(rest[1]))}
tasks[task]().then(() => process.exit()).catch((error) => { console.error(error); process.exit(1) })
