/* One client for every broker that is measured: Debian's librabbitmq, persistent messages, confirms, manual acks.
 *
 *   broker_load PORT USER PASSWORD QUEUE throughput PUBLISHERS CONSUMERS MESSAGES BODY_SIZE   prints messages per second
 *     (no CONSUMERS: what is published stays; no PUBLISHERS: what is there is taken)
 *   broker_load PORT USER PASSWORD QUEUE latency RATE MESSAGES BODY_SIZE                      prints p50 and p99 of confirms, ms
 *
 * RATE 0: one at a time. The queue is there already and empty. */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { window = 500, prefetch = 300 };

static int port;
static const char *user, *password, *queue;
static size_t body_size;
static atomic_long left_to_take;
static pthread_barrier_t all_connected;

static void fail(const char *what) {
  fprintf(stderr, "broker_load: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fine(amqp_connection_state_t connection, const char *what) {
  if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail(what);
}

static amqp_connection_state_t open_channel(void) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) fail("cannot connect");
  if (amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, user, password).reply_type !=
      AMQP_RESPONSE_NORMAL) {
    fail("cannot log in");
  }
  amqp_channel_open(connection, 1);
  fine(connection, "no channel");
  return connection;
}

static void publish(amqp_connection_state_t connection, amqp_bytes_t body) {
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = 2;
  if (amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0, &properties, body) != 0) {
    fail("cannot publish");
  }
}

static double later(double left, double right) {
  return left > right ? left : right;
}

/* Waits for a confirm and returns its number; all up to it are confirmed if *multiple. */
static uint64_t take_confirm(amqp_connection_state_t connection, int *multiple) {
  for (;;) {
    amqp_frame_t frame;
    amqp_maybe_release_buffers(connection);
    if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) fail("the connection is lost");
    if (frame.frame_type != AMQP_FRAME_METHOD) continue;
    if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) fail("a publish is not confirmed");
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    *multiple = ack->multiple;
    return ack->delivery_tag;
  }
}

/* One thread: what it shall do, and when the last of it was done. */
typedef struct {
  pthread_t thread;
  long count;
  double ended;
} worker_t;

static void *publisher(void *argument) {
  worker_t *self = argument;
  const long count = self->count;
  amqp_connection_state_t connection = open_channel();
  amqp_confirm_select(connection, 1);
  fine(connection, "no confirms");
  amqp_bytes_t body = amqp_bytes_malloc(body_size);
  memset(body.bytes, 'x', body_size);
  char *confirmed = calloc((size_t)count + 1, 1); /* single confirms may come in any order */
  uint64_t through = 0;                           /* all up to here are confirmed */
  long out = 0;
  pthread_barrier_wait(&all_connected);
  for (long i = 0; i < count || out > 0;) {
    if (i < count && out < window) {
      publish(connection, body);
      ++i;
      ++out;
      continue;
    }
    int multiple = 0;
    const uint64_t tag = take_confirm(connection, &multiple);
    for (uint64_t number = multiple ? through + 1 : tag; number <= tag; ++number) {
      if (!confirmed[number]) --out;
      confirmed[number] = 1;
    }
    while (through < (uint64_t)i && confirmed[through + 1]) ++through;
  }
  self->ended = now();
  free(confirmed);
  amqp_bytes_free(body);
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
  return NULL;
}

static void *consumer(void *argument) {
  worker_t *self = argument;
  amqp_connection_state_t connection = open_channel();
  amqp_basic_qos(connection, 1, 0, prefetch, 0);
  fine(connection, "no prefetch");
  amqp_basic_consume(connection, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  fine(connection, "no consumer");
  pthread_barrier_wait(&all_connected);
  struct timeval patience = {0, 100000};
  while (atomic_load(&left_to_take) > 0) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    const amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, &patience, 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
      if (reply.library_error == AMQP_STATUS_TIMEOUT) continue;
      fail("the consumer is lost");
    }
    amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
    amqp_destroy_envelope(&envelope);
    if (atomic_fetch_sub(&left_to_take, 1) == 1) self->ended = now();
  }
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
  return NULL;
}

/* From the moment when all are connected to the last confirm and the last acknowledgement. */
static void measure_throughput(int publishers, int consumers, long messages) {
  worker_t workers[64] = {0};
  const int all = publishers + consumers;
  const long share = publishers > 0 ? messages / publishers : 0;
  const long total = publishers > 0 ? share * publishers : messages;
  if (all > 64) fail("too many threads");
  atomic_store(&left_to_take, total);
  pthread_barrier_init(&all_connected, NULL, (unsigned)all + 1);
  for (int i = 0; i < all; ++i) {
    workers[i].count = share;
    pthread_create(&workers[i].thread, NULL, i < consumers ? consumer : publisher, &workers[i]);
  }
  pthread_barrier_wait(&all_connected);
  const double begin = now();
  double end = begin;
  for (int i = 0; i < all; ++i) {
    pthread_join(workers[i].thread, NULL);
    end = later(end, workers[i].ended);
  }
  printf("%.0f\n", (double)total / (end - begin));
}

static int by_size(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static void measure_latency(long rate, long messages) {
  amqp_connection_state_t connection = open_channel();
  amqp_confirm_select(connection, 1);
  fine(connection, "no confirms");
  amqp_bytes_t body = amqp_bytes_malloc(body_size);
  memset(body.bytes, 'x', body_size);
  double *times = calloc((size_t)messages, sizeof *times);
  const double begin = now();
  for (long i = 0; i < messages; ++i) {
    const double due = rate > 0 ? begin + (double)i / (double)rate : now();
    const double wait = due - now();
    if (wait > 0) {
      const struct timespec pause = {0, (long)(wait * 1e9)};
      nanosleep(&pause, NULL);
    }
    const double sent = now();
    int multiple = 0;
    publish(connection, body);
    take_confirm(connection, &multiple);
    times[i] = (now() - sent) * 1000;
  }
  qsort(times, (size_t)messages, sizeof *times, by_size);
  printf("%.3f %.3f\n", times[messages / 2], times[messages * 99 / 100]);
  free(times);
  amqp_bytes_free(body);
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

int main(int count, char **words) {
  if (count < 9) fail("see the head of load.c");
  port = atoi(words[1]);
  user = words[2];
  password = words[3];
  queue = words[4];
  if (strcmp(words[5], "throughput") == 0 && count == 10) {
    body_size = (size_t)atol(words[9]);
    measure_throughput(atoi(words[6]), atoi(words[7]), atol(words[8]));
  } else {
    body_size = (size_t)atol(words[8]);
    measure_latency(atol(words[6]), atol(words[7]));
  }
  return 0;
}
