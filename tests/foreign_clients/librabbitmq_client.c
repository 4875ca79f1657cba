/* Debian's librabbitmq against the broker:
 * librabbitmq_client HOST PORT USER PASSWORD everything | publish QUEUE COUNT | drain QUEUE COUNT */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *host, *user, *password;
static int port;

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                            \
    }                                                                     \
  } while (0)

static amqp_bytes_t text(const char *string) { return amqp_cstring_bytes(string); }

static amqp_connection_state_t log_in(const char *with_password, int *logged_in) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  CHECK(amqp_socket_open(socket, host, port) == AMQP_STATUS_OK);
  *logged_in = amqp_login(connection, "/", 0, 131072, 10, AMQP_SASL_METHOD_PLAIN, user, with_password).reply_type ==
               AMQP_RESPONSE_NORMAL;
  return connection;
}

static amqp_connection_state_t open_connection(void) {
  int logged_in;
  amqp_connection_state_t connection = log_in(password, &logged_in);
  CHECK(logged_in);
  amqp_channel_open(connection, 1);
  CHECK(amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL);
  return connection;
}

static void end(amqp_connection_state_t connection) {
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

static void fine(amqp_connection_state_t connection) {
  CHECK(amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL);
}

static void declare(amqp_connection_state_t connection, const char *queue) {
  amqp_queue_declare(connection, 1, text(queue), 0, 1, 0, 0, amqp_empty_table);
  fine(connection);
}

static void send_body(amqp_connection_state_t connection, const char *queue, int mandatory, amqp_bytes_t body) {
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.delivery_mode = 2;
  properties.message_id = text("id-1");
  CHECK(amqp_basic_publish(connection, 1, amqp_empty_bytes, text(queue), mandatory, 0, &properties, body) == 0);
}

static void await_confirm(amqp_connection_state_t connection, uint64_t wanted) {
  uint64_t confirmed = 0;
  while (confirmed < wanted) {
    amqp_frame_t frame;
    CHECK(amqp_simple_wait_frame(connection, &frame) == AMQP_STATUS_OK);
    CHECK(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD);
    confirmed = ((amqp_basic_ack_t *)frame.payload.method.decoded)->delivery_tag;
  }
}

static amqp_envelope_t receive(amqp_connection_state_t connection) {
  amqp_envelope_t envelope;
  struct timeval limit = {10, 0};
  amqp_maybe_release_buffers(connection);
  CHECK(amqp_consume_message(connection, &envelope, &limit, 0).reply_type == AMQP_RESPONSE_NORMAL);
  return envelope;
}

static void consume(amqp_connection_state_t connection, const char *queue, int prefetch) {
  amqp_basic_qos(connection, 1, 0, prefetch, 0);
  fine(connection);
  amqp_basic_consume(connection, 1, text(queue), text("c"), 0, 0, 0, amqp_empty_table);
  fine(connection);
}

static void expect_returned(amqp_connection_state_t connection) {
  amqp_frame_t frame;
  amqp_message_t message;
  send_body(connection, "no-such-queue", 1, text("lost"));
  CHECK(amqp_simple_wait_frame(connection, &frame) == AMQP_STATUS_OK);
  CHECK(frame.payload.method.id == AMQP_BASIC_RETURN_METHOD);
  CHECK(((amqp_basic_return_t *)frame.payload.method.decoded)->reply_code == 312);
  CHECK(amqp_read_message(connection, 1, &message, 0).reply_type == AMQP_RESPONSE_NORMAL);
  CHECK(message.body.len == 4 && memcmp(message.body.bytes, "lost", 4) == 0);
  amqp_destroy_message(&message);
  await_confirm(connection, 1);
}

static void expect_channel_closed(int code, const char *queue, int passive, int durable) {
  amqp_connection_state_t connection = open_connection();
  amqp_queue_declare(connection, 1, text(queue), passive, durable, 0, 0, amqp_empty_table);
  amqp_rpc_reply_t reply = amqp_get_rpc_reply(connection);
  CHECK(reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD);
  CHECK(((amqp_channel_close_t *)reply.reply.decoded)->reply_code == code);
  amqp_channel_close_ok_t ok;
  amqp_send_method(connection, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  end(connection);
}

static void transactions(const char *queue) {
  amqp_connection_state_t connection = open_connection();
  amqp_tx_select(connection, 1);
  fine(connection);
  send_body(connection, queue, 0, text("undone"));
  amqp_tx_rollback(connection, 1);
  fine(connection);
  send_body(connection, queue, 0, text("done"));
  amqp_tx_commit(connection, 1);
  fine(connection);
  consume(connection, queue, 1);
  amqp_envelope_t envelope = receive(connection);
  CHECK(envelope.message.body.len == 4 && memcmp(envelope.message.body.bytes, "done", 4) == 0);
  amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
  amqp_destroy_envelope(&envelope);
  amqp_tx_commit(connection, 1);
  fine(connection);
  end(connection);
}

static void everything(void) {
  char queue[64];
  snprintf(queue, sizeof queue, "librabbitmq-%d", rand());
  amqp_connection_state_t connection = open_connection();
  declare(connection, queue);
  amqp_exchange_declare(connection, 1, text("librabbitmq-x"), text("fanout"), 0, 1, 0, 0, amqp_empty_table);
  fine(connection);
  amqp_queue_bind(connection, 1, text(queue), text("librabbitmq-x"), text(""), amqp_empty_table);
  fine(connection);
  amqp_confirm_select(connection, 1);
  fine(connection);
  expect_returned(connection);

  for (int i = 0; i < 500; ++i) send_body(connection, queue, 0, text("small"));
  await_confirm(connection, 501);
  consume(connection, queue, 100);
  amqp_envelope_t first = receive(connection);
  CHECK(first.message.properties.delivery_mode == 2);
  CHECK(first.message.properties.message_id.len == 4);
  amqp_basic_nack(connection, 1, first.delivery_tag, 0, 1);
  amqp_destroy_envelope(&first);
  int redelivered = 0;
  for (int i = 0; i < 500; ++i) {
    amqp_envelope_t envelope = receive(connection);
    redelivered += envelope.redelivered;
    if (i % 50 == 49) amqp_basic_ack(connection, 1, envelope.delivery_tag, 1);
    amqp_destroy_envelope(&envelope);
  }
  CHECK(redelivered == 1);

  size_t size = 1 << 20;
  char *big = malloc(size);
  memset(big, 'b', size);
  amqp_bytes_t body = {size, big};
  send_body(connection, queue, 0, body);
  amqp_envelope_t envelope;
  do {
    struct timeval limit = {10, 0};
    amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, &limit, 0);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) break;
    CHECK(reply.library_error == AMQP_STATUS_UNEXPECTED_STATE); /* the confirm comes in between */
    amqp_frame_t frame;
    CHECK(amqp_simple_wait_frame(connection, &frame) == AMQP_STATUS_OK);
  } while (1);
  CHECK(envelope.message.body.len == size && memcmp(envelope.message.body.bytes, big, size) == 0);
  amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
  amqp_destroy_envelope(&envelope);
  free(big);
  end(connection);

  transactions(queue);
  expect_channel_closed(404, "no-such-queue", 1, 1);
  expect_channel_closed(406, queue, 0, 0);
  int logged_in;
  connection = log_in("wrong", &logged_in);
  CHECK(!logged_in);
  amqp_destroy_connection(connection);
}

static void publish(const char *queue, int count) {
  amqp_connection_state_t connection = open_connection();
  declare(connection, queue);
  amqp_confirm_select(connection, 1);
  fine(connection);
  for (int i = 0; i < count; ++i) {
    char body[32];
    snprintf(body, sizeof body, "message %d", i);
    send_body(connection, queue, 0, text(body));
  }
  await_confirm(connection, (uint64_t)count);
}

static void drain(const char *queue, int count) {
  amqp_connection_state_t connection = open_connection();
  consume(connection, queue, 50);
  for (int i = 0; i < count; ++i) {
    char body[32];
    snprintf(body, sizeof body, "message %d", i);
    amqp_envelope_t envelope = receive(connection);
    CHECK(envelope.message.body.len == strlen(body) && memcmp(envelope.message.body.bytes, body, strlen(body)) == 0);
    amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
    amqp_destroy_envelope(&envelope);
  }
  end(connection);
}

int main(int argc, char **argv) {
  CHECK(argc == 6 || argc == 8);
  host = argv[1];
  port = atoi(argv[2]);
  user = argv[3];
  password = argv[4];
  if (strcmp(argv[5], "everything") == 0) everything();
  if (strcmp(argv[5], "publish") == 0) publish(argv[6], atoi(argv[7]));
  if (strcmp(argv[5], "drain") == 0) drain(argv[6], atoi(argv[7]));
  return 0;
}
