#include "io/posix/tls.hpp"

#include <array>

#include <fmt/format.h>

#include "io/posix/openssl_library.hpp"

namespace millrace::io::posix {

namespace {

/// The last of OpenSSL's reasons, which is the nearest to what was asked.
std::string reason(const OpensslLibrary& ssl) {
  unsigned long last = 0;
  for (unsigned long code = ssl.ERR_get_error(); code != 0; code = ssl.ERR_get_error()) last = code;
  const char* text = ssl.ERR_reason_error_string(last);
  return text == nullptr ? "it cannot be read" : text;
}

}  // namespace

struct TlsServer::Context {
  const OpensslLibrary& ssl;
  SSL_CTX* native;

  explicit Context(const OpensslLibrary& library) : ssl(library), native(ssl.SSL_CTX_new(ssl.TLS_server_method())) {
    ssl.SSL_CTX_ctrl(native, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
    ssl.SSL_CTX_ctrl(native, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
    ssl.SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    constexpr std::string_view sessions = "millrace";
    ssl.SSL_CTX_set_session_id_context(native, reinterpret_cast<const unsigned char*>(sessions.data()),
                                       sessions.size());
  }
  ~Context() { ssl.SSL_CTX_free(native); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Error cannot_use(std::string_view what, const std::string& file) const {
    return Error{Error::Kind::invalid, fmt::format("the {} {} cannot be used: {}", what, file, reason(ssl))};
  }

  Status read(const TlsFiles& files) {
    ssl.ERR_clear_error();
    if (ssl.SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) != 1) {
      return cannot_use("TLS certificate", files.certificate);
    }
    if (ssl.SSL_CTX_use_PrivateKey_file(native, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        ssl.SSL_CTX_check_private_key(native) != 1) {
      return cannot_use("TLS key", files.key);
    }
    if (files.client_ca.empty()) return Done{};
    auto* names = ssl.SSL_load_client_CA_file(files.client_ca.c_str());
    if (names == nullptr || ssl.SSL_CTX_load_verify_locations(native, files.client_ca.c_str(), nullptr) != 1) {
      return cannot_use("certificate of clients' authority", files.client_ca);
    }
    ssl.SSL_CTX_set_client_CA_list(native, names);  // which owns it now
    ssl.SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return Done{};
  }
};

TlsServer::TlsServer(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::open(const TlsFiles& files) {
  const auto library = OpensslLibrary::load();
  if (!library) return library.error();
  auto context = std::make_unique<Context>(**library);
  if (auto read = context->read(files); !read) return read.error();
  return std::shared_ptr<TlsServer>(new TlsServer(std::move(context)));
}

struct TlsStream::State {
  std::shared_ptr<TlsServer> server;
  const OpensslLibrary& ssl;
  SSL* native;
  BIO* from_peer;
  BIO* to_peer;

  explicit State(std::shared_ptr<TlsServer> the_server)
      : server(std::move(the_server)),
        ssl(server->context_->ssl),
        native(ssl.SSL_new(server->context_->native)),
        from_peer(ssl.BIO_new(ssl.BIO_s_mem())),
        to_peer(ssl.BIO_new(ssl.BIO_s_mem())) {
    ssl.SSL_set_bio(native, from_peer, to_peer);  // which owns them now
    ssl.SSL_set_accept_state(native);
  }
  ~State() { ssl.SSL_free(native); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Error failure() const {
    const auto verified = ssl.SSL_get_verify_result(native);
    std::string why = reason(ssl);
    if (verified != X509_V_OK) why += fmt::format(" ({})", ssl.X509_verify_cert_error_string(verified));
    return Error{Error::Kind::invalid, why};
  }
};

TlsStream::TlsStream(std::shared_ptr<TlsServer> server) : state_(std::make_unique<State>(std::move(server))) {}
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
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN) return Done{};
    return state_->failure();
  }
}

void TlsStream::write(std::string_view plain) {
  if (plain.empty()) return;
  state_->ssl.ERR_clear_error();
  state_->ssl.SSL_write(state_->native, plain.data(), static_cast<int>(plain.size()));
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
