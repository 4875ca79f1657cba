// npm's rabbitmq-client against the broker: rabbitmq_client.js URI everything | publish QUEUE COUNT | drain QUEUE COUNT
'use strict'
const assert = require('node:assert/strict')
const {randomUUID} = require('node:crypto')
const {Connection, ConsumerStatus} = require('rabbitmq-client')

const [uri, task, ...rest] = process.argv.slice(2)
const durable = {durable: true}

function within(promise, what) {
  return Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what} did not come`)), 10000))])
}

function connect() {
  const connection = new Connection(uri)
  connection.on('error', () => {})
  return connection
}

async function expectClose(code, action) {
  const connection = connect()
  const channel = await connection.acquire()
  const closed = new Promise((resolve) => { channel.on('error', resolve); connection.on('error', resolve) })
  const error = await within(Promise.race([closed, Promise.resolve(action(channel)).then(() => closed)]).catch((e) => e), code)
  assert.equal(error.code, code, error.message)
  await channel.close().catch(() => {})
  await connection.close()
}

async function everything() {
  const name = `rabbitmq-client-${randomUUID()}`
  const connection = connect()
  const publisher = connection.createPublisher({
    confirm: true,
    maxAttempts: 2,
    exchanges: [{exchange: name, type: 'topic', durable: true}]
  })
  const returned = new Promise((resolve) => publisher.on('basic.return', resolve))
  await publisher.send({exchange: name, routingKey: 'nobody.listens', mandatory: true}, 'lost')
  assert.equal((await within(returned, 'basic.return')).replyCode, 312)

  const seen = []
  let requeued = 0
  let finish
  const finished = new Promise((resolve) => { finish = resolve })
  const consumer = connection.createConsumer({
    queue: name,
    queueOptions: durable,
    qos: {prefetchCount: 5},
    concurrency: 5,
    queueBindings: [{exchange: name, routingKey: 'users.*'}]
  }, async (message) => {
    if (message.body.id === 7 && !message.redelivered) { ++requeued; return ConsumerStatus.REQUEUE }
    seen.push(message.body.id)
    if (seen.length === 100) finish()
  })
  consumer.on('error', (error) => { console.error(error); process.exitCode = 1 })
  await within(new Promise((resolve) => consumer.on('ready', resolve)), 'ready')
  await Promise.all(Array.from({length: 100}, (_, id) =>
    publisher.send({exchange: name, routingKey: 'users.new', durable: true}, {id})))
  await within(finished, 'all messages')
  assert.equal(requeued, 1)
  assert.deepEqual(seen.sort((a, b) => a - b), Array.from({length: 100}, (_, i) => i))
  await consumer.close()

  const big = Buffer.alloc(1 << 20, 'body ')
  await publisher.send({routingKey: name, durable: true}, big)
  const got = await connection.basicGet({queue: name, noAck: true})
  assert.ok(got.body.equals(big))
  assert.equal(await connection.basicGet(name), undefined)

  const channel = await connection.acquire()
  await channel.txSelect()
  await channel.basicPublish({routingKey: name}, 'undone')
  await channel.txRollback()
  await channel.basicPublish({routingKey: name}, 'done')
  await channel.txCommit()
  assert.equal((await channel.basicGet({queue: name, noAck: true})).body, 'done')
  await channel.close()

  await connection.queueDelete({queue: name})
  await connection.exchangeDelete({exchange: name})
  await publisher.close()
  await connection.close()

  await expectClose('NOT_FOUND', (c) => c.queueDeclare({queue: 'no-such-queue', passive: true}))
  await expectClose('NOT_FOUND', (c) => c.basicPublish({exchange: 'no-such-exchange', routingKey: ''}, 'x'))
  await expectClose('ACCESS_REFUSED', (c) => c.exchangeDeclare({exchange: 'amq.mine', type: 'direct'}))
  await expectClose('PRECONDITION_FAILED', async (c) => {
    await c.queueDeclare({queue: name, durable: true})
    await c.queueDeclare({queue: name, durable: false})
  })
}

async function publish(queue, count) {
  const connection = connect()
  const publisher = connection.createPublisher({confirm: true, queues: [{queue, durable: true}]})
  for (let i = 0; i < count; ++i) await publisher.send({routingKey: queue, durable: true}, `message ${i}`)
  process.exit(0)
}

async function drain(queue, count) {
  const connection = connect()
  const bodies = []
  await within(new Promise((resolve) => {
    connection.createConsumer({queue, queueOptions: durable, qos: {prefetchCount: 1}, concurrency: 1}, async (message) => {
      bodies.push(message.body)
      if (bodies.length === count) resolve()
    })
  }), 'all messages')
  assert.deepEqual(bodies, Array.from({length: count}, (_, i) => `message ${i}`))
  process.exit(0)
}

const tasks = {everything, publish: () => publish(rest[0], Number(rest[1])), drain: () => drain(rest[0], Number(rest[1]))}
tasks[task]().then(() => process.exit()).catch((error) => { console.error(error); process.exit(1) })
