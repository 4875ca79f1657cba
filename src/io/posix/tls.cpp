#include "io/posix/tls.hpp"

#include <array>

#include <fmt/format.h>

#include "io/posix/tls_context.hpp"

namespace millrace::io::posix {
namespace {

Status restrict_clients(TlsContext& context, const std::string& authorities) {
  const auto& ssl = context.ssl;
  auto* names = ssl.SSL_load_client_CA_file(authorities.c_str());
  if (names == nullptr || ssl.SSL_CTX_load_verify_locations(context.native, authorities.c_str(), nullptr) != 1) {
    return context.cannot_use("certificate of clients' authority", authorities);
  }
  ssl.SSL_CTX_set_client_CA_list(context.native, names);  // which owns it now
  ssl.SSL_CTX_set_verify(context.native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return Done{};
}

Status trust_servers_of(TlsContext& context, const std::string& authorities) {
  const auto& ssl = context.ssl;
  if (authorities.empty()) {
    ssl.SSL_CTX_set_default_verify_paths(context.native);
  } else if (ssl.SSL_CTX_load_verify_locations(context.native, authorities.c_str(), nullptr) != 1) {
    return context.cannot_use("certificate of servers' authority", authorities);
  }
  return Done{};
}

/// RFC 6066 §3 has no addresses in it.
bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

TlsServer::TlsServer(std::unique_ptr<TlsContext> context) : context_(std::move(context)) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::open(const TlsFiles& files) {
  auto made = TlsContext::make(TlsContext::End::server);
  if (!made) return made.error();
  auto& context = **made;
  constexpr std::string_view sessions = "millrace";
  context.ssl.SSL_CTX_set_session_id_context(context.native, reinterpret_cast<const unsigned char*>(sessions.data()),
                                             sessions.size());
  if (auto status = context.use_certificate(files.certificate, files.key); !status) return status.error();
  if (!files.client_ca.empty()) {
    if (auto status = restrict_clients(context, files.client_ca); !status) return status.error();
  }
  return std::shared_ptr<TlsServer>(new TlsServer(std::move(*made)));
}

TlsClient::TlsClient(std::unique_ptr<TlsContext> context) : context_(std::move(context)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<TlsClient>> TlsClient::open(const TlsTrust& trust) {
  auto made = TlsContext::make(TlsContext::End::client);
  if (!made) return made.error();
  auto& context = **made;
  if (auto status = trust_servers_of(context, trust.authorities); !status) return status.error();
  context.ssl.SSL_CTX_set_verify(context.native, trust.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!trust.certificate.empty()) {
    if (auto status = context.use_certificate(trust.certificate, trust.key); !status) return status.error();
  }
  return std::shared_ptr<TlsClient>(new TlsClient(std::move(*made)));
}

struct TlsStream::State {
  std::shared_ptr<TlsServer> server;  ///< or
  std::shared_ptr<TlsClient> client;
  const OpensslLibrary& ssl;
  SSL* native;
  BIO* from_peer;
  BIO* to_peer;
  std::string early;  ///< plain text that waits for the end of the handshake

  explicit State(const TlsContext& context)
      : ssl(context.ssl),
        native(ssl.SSL_new(context.native)),
        from_peer(ssl.BIO_new(ssl.BIO_s_mem())),
        to_peer(ssl.BIO_new(ssl.BIO_s_mem())) {
    ssl.SSL_set_bio(native, from_peer, to_peer);  // which owns them now
  }
  ~State() { ssl.SSL_free(native); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void write(std::string_view plain) const {
    if (!plain.empty()) ssl.SSL_write(native, plain.data(), static_cast<int>(plain.size()));
  }

  Error failure() const {
    const auto verified = ssl.SSL_get_verify_result(native);
    std::string why = tls_reason(ssl);
    if (verified != X509_V_OK) why += fmt::format(" ({})", ssl.X509_verify_cert_error_string(verified));
    return Error{Error::Kind::invalid, why};
  }
};

TlsStream::TlsStream(std::shared_ptr<TlsServer> server) : state_(std::make_unique<State>(*server->context_)) {
  state_->server = std::move(server);
  state_->ssl.SSL_set_accept_state(state_->native);
}

TlsStream::TlsStream(std::shared_ptr<TlsClient> client, const std::string& server_name)
    : state_(std::make_unique<State>(*client->context_)) {
  state_->client = std::move(client);
  const auto& ssl = state_->ssl;
  ssl.SSL_set_connect_state(state_->native);
  ssl.SSL_set1_host(state_->native, server_name.c_str());
  if (!is_address(server_name)) {
    std::string name = server_name;
    ssl.SSL_ctrl(state_->native, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  ssl.SSL_do_handshake(state_->native);
}

TlsStream::~TlsStream() = default;

Status TlsStream::input(std::string_view wire, std::string& plain) {
  const auto& ssl = state_->ssl;
  ssl.ERR_clear_error();
  ssl.BIO_write(state_->from_peer, wire.data(), static_cast<int>(wire.size()));
  std::array<char, 16 * 1024> record;  // the largest there is (RFC 8446 §5.1)
  for (;;) {
    const int size = ssl.SSL_read(state_->native, record.data(), static_cast<int>(record.size()));
    if (size > 0) {
      plain.append(record.data(), static_cast<std::size_t>(size));
      continue;
    }
    const int why = ssl.SSL_get_error(state_->native, size);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN) return state_->failure();
    if (!state_->early.empty() && ssl.SSL_is_init_finished(state_->native) == 1) {
      state_->write(std::exchange(state_->early, {}));
    }
    return Done{};
  }
}

void TlsStream::write(std::string_view plain) {
  state_->ssl.ERR_clear_error();
  if (state_->ssl.SSL_is_init_finished(state_->native) != 1) {
    state_->early += plain;
  } else {
    state_->write(plain);
  }
}

void TlsStream::close() {
  state_->ssl.ERR_clear_error();
  state_->ssl.SSL_shutdown(state_->native);
}

void TlsStream::take_output(std::string& wire) {
  const auto size = state_->ssl.BIO_ctrl_pending(state_->to_peer);
  if (size == 0) return;
  const auto begin = wire.size();
  wire.resize(begin + size);
  state_->ssl.BIO_read(state_->to_peer, wire.data() + begin, static_cast<int>(size));
}

bool TlsStream::has_output() const {
  return state_->ssl.BIO_ctrl_pending(state_->to_peer) > 0;
}

}  // namespace millrace::io::posix
