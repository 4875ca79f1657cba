// What users of npm's rabbitmq-client rely on when things go wrong: rabbitmq_behaviour.js URI. One function a behaviour.
'use strict'
const assert = require('node:assert/strict')
const {randomUUID} = require('node:crypto')
const {Connection} = require('rabbitmq-client')

const uri = process.argv[2]
const missing = () => `missing-${randomUUID()}`

function within(promise, what, milliseconds = 10000) {
  let timer
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`${what} did not come`)), milliseconds) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const event = (emitter, name) => within(new Promise((resolve) => emitter.once(name, resolve)), name)
const failure = (emitter) => event(emitter, 'error')

async function rejected(promise, code) {
  const error = await promise.then(() => assert.fail(`no ${code}`), (failed) => failed)
  assert.equal(error.code, code, error.message)
}

async function withConnection(use, options = {}) {
  const connection = new Connection({url: uri, retryLow: 10, retryHigh: 50, ...options})
  connection.on('error', () => {})
  await use(connection)  // after a failure the process ends, and the connection with it
  await within(connection.close(), 'close')
}

const behaviours = {
  bodies_are_text_json_or_bytes: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    const {queue} = await channel.queueDeclare({exclusive: true})
    assert.equal(await channel.basicGet({queue}), undefined)
    for (const [body, type] of [[{color: 'green'}, 'application/json'], ['text', 'text/plain'], [Buffer.alloc(0), undefined]]) {
      await channel.basicPublish({routingKey: queue, headers: {list: ['red', 'blue', {deep: [1, null]}]}}, body)
      const message = await channel.basicGet({queue, noAck: true})
      assert.deepEqual(message.body, body)
      assert.equal(message.contentType, type)
      assert.deepEqual(message.headers.list, ['red', 'blue', {deep: [1, null]}])
    }
    await channel.close()
  }),

  a_missing_queue_ends_its_channel: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    await rejected(channel.queueDeclare({passive: true, queue: missing()}), 'NOT_FOUND')
    assert.equal(channel.active, false)
    await (await rabbit.acquire()).close()
  }),

  confirms_before_a_failed_publish_come_and_those_after_do_not: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    await channel.confirmSelect()
    const published = [{routingKey: missing()}, {exchange: missing(), routingKey: 'k'}, {routingKey: missing()}]
      .map((to) => channel.basicPublish(to, ''))
    await published[0]
    await Promise.all([rejected(published[1], 'NOT_FOUND'), rejected(published[2], 'CH_CLOSE')])
    await channel.close()
  }),

  errors_nobody_waits_for_come_as_events: () => withConnection(async (rabbit) => {
    const plain = await rabbit.acquire()
    let came = failure(rabbit)
    await plain.basicPublish({exchange: missing(), routingKey: 'k'}, '')
    assert.equal((await came).code, 'NOT_FOUND')
    const acknowledging = await rabbit.acquire()
    came = failure(rabbit)
    acknowledging.basicAck({deliveryTag: 1})
    assert.equal((await came).code, 'PRECONDITION_FAILED')
  }),

  answers_come_in_order: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    const [first, second] = [missing(), missing()]
    await Promise.all([channel.queueDeclare({queue: first, exclusive: true}),
      channel.basicConsume({queue: first, consumerTag: 'red'}, () => {}),
      channel.queueDeclare({queue: second, exclusive: true}), channel.basicQos({prefetchCount: 3})])
    await channel.close()
  }),

  unroutable_messages_come_back_even_without_a_body: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    for (const body of ['mine', Buffer.alloc(0)]) {
      const back = event(channel, 'basic.return')
      await channel.basicPublish({routingKey: missing(), mandatory: true}, body)
      const message = await back
      assert.equal(message.replyText, 'NO_ROUTE')
      assert.deepEqual(message.body, body)
    }
    await channel.close()
  }),

  a_publisher_recovers: () => withConnection(async (rabbit) => {
    const queue = missing()
    const publisher = rabbit.createPublisher({confirm: true, queues: [{queue, exclusive: true}]})
    await publisher.send({routingKey: queue}, 'one')
    await rejected(publisher.send({exchange: missing()}, ''), 'NOT_FOUND')
    await publisher.send({routingKey: queue}, 'on a new channel')
    const cut = failure(rabbit)
    rabbit._socket.destroy()
    assert.equal((await cut).code, 'CONN_CLOSE')
    await publisher.send({routingKey: queue}, 'on a new connection')
    await publisher.close()
  }),

  a_consumer_recovers: () => withConnection(async (rabbit) => {
    const [queue, exchange, seen] = [missing(), missing(), []]
    const consumer = rabbit.createConsumer({
      queue, queueOptions: {exclusive: true}, requeue: true, exchanges: [{autoDelete: true, exchange, type: 'topic'}],
      queueBindings: [{exchange, routingKey: 'audit.*'}]
    }, async (message) => {
      seen.push(message.redelivered)
      if (!message.redelivered) throw new Error('once more')
      consumer.emit('done')
    })
    await event(consumer, 'ready')
    const channel = await rabbit.acquire()
    const done = event(consumer, 'done')
    let failed = failure(consumer)
    await channel.basicPublish({exchange, routingKey: 'audit.test'}, 'red fish')
    assert.equal((await failed).message, 'once more')
    await done
    assert.deepEqual(seen, [false, true])

    failed = failure(consumer)
    let ready = event(consumer, 'ready')
    assert.equal((await channel.queueDelete({queue})).messageCount, 0)
    assert.equal((await failed).code, 'CANCEL_FORCED')
    await ready
    await channel.close()

    consumer.on('error', () => {})
    ready = event(consumer, 'ready')
    rabbit._socket.destroy()
    await ready
    ready = event(consumer, 'ready')
    await rejected(consumer._ch.queueDeclare({passive: true, queue: missing()}), 'NOT_FOUND')
    await ready
    await consumer.close()
  }),

  unacknowledged_work_comes_again: () => withConnection(async (rabbit) => {
    const [queue, works] = [missing(), []]
    const consumer = rabbit.createConsumer({queue, queueOptions: {exclusive: true}, qos: {prefetchCount: 1}},
      (message) => new Promise((resolve) => { works.push({message, resolve}); consumer.emit('given') }))
    consumer.on('error', () => {})
    await event(consumer, 'ready')
    const channel = await rabbit.acquire()
    let given = event(consumer, 'given')
    await channel.basicPublish(queue, 'red')
    await given
    const died = event(consumer._ch, 'close')
    given = event(consumer, 'given')
    await consumer._ch.basicAck({deliveryTag: 404})
    await died
    works[0].resolve()
    await given
    assert.equal(works[1].message.redelivered, true)
    works[1].resolve()
    await consumer.close()
    await channel.close()
  }),

  questions_are_answered: () => withConnection(async (rabbit) => {
    const queue = missing()
    const server = rabbit.createConsumer({queue, queueOptions: {exclusive: true}}, async (message, reply) => {
      if (message.body !== 'silence') await reply(`${message.body} to you`)
    })
    await event(server, 'ready')
    const client = rabbit.createRPCClient({confirm: true, timeout: 300, maxAttempts: 1})
    const answers = await Promise.all(['hello', 'good day'].map((word) => client.send(queue, word)))
    assert.deepEqual(answers.map((answer) => answer.body), ['hello to you', 'good day to you'])
    await rejected(client.send(queue, 'silence'), 'RPC_TIMEOUT')
    const both = [client.send(queue, 'silence'), client.send({exchange: missing(), routingKey: queue}, 'x')]
    await Promise.all([rejected(both[0], 'RPC_CLOSED'), rejected(both[1], 'NOT_FOUND')])
    assert.equal((await client.send(queue, 'again')).body, 'again to you')
    await client.close()
    await server.close()
  }),

  a_wrong_password_is_told: async () => {
    const wrong = new URL(uri)
    wrong.password = 'wrong'
    const rabbit = new Connection({url: wrong.toString(), retryHigh: 10})
    assert.equal((await failure(rabbit)).code, 'ACCESS_REFUSED')
    await rabbit.close()
  },

  few_channels_and_small_frames: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    await assert.rejects(rabbit.acquire())
    const {queue} = await channel.queueDeclare({exclusive: true})
    const body = Buffer.alloc(100000, 'frames of 4096 bytes ')
    await channel.basicPublish({routingKey: queue}, body)
    assert.ok((await channel.basicGet({queue, noAck: true})).body.equals(body))
    await channel.close()
  }, {maxChannels: 1, frameMax: 4096}),

  // For two and a half seconds nothing but heartbeats: then a message's time is over.
  short_heartbeats_keep_a_connection: () => withConnection(async (rabbit) => {
    const channel = await rabbit.acquire()
    const [late, wait] = [missing(), missing()]
    await channel.queueDeclare({queue: late, exclusive: true})
    await channel.queueDeclare({queue: wait, exclusive: true,
      arguments: {'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': late}})
    const came = new Promise((resolve) => channel.basicConsume({queue: late}, resolve))
    await channel.basicPublish({routingKey: wait, expiration: '2500'}, 'late')
    const lost = failure(rabbit).then((error) => { throw error })
    assert.equal((await Promise.race([came, lost])).body, 'late')
    await channel.close()
  }, {heartbeat: 1})
}

async function main() {
  for (const [name, behave] of Object.entries(behaviours)) {
    try { await behave() } catch (error) { console.error(`behaviour: ${name}`); throw error }
  }
}

main().then(() => process.exit()).catch((error) => { console.error(error); process.exit(1) })
