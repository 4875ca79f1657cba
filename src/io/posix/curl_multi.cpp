#define CURL_DISABLE_TYPECHECK
#include "io/posix/curl_multi.hpp"

#include <array>
#include <chrono>
#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/check.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct CurlMulti::State : std::enable_shared_from_this<CurlMulti::State> {
  State(AsioLoop& on, const CurlLibrary& library, std::function<void(CURL*, CURLcode)> call)
      : loop(on), curl(library), done(std::move(call)), events(on.native()), timer(on.native()) {}

  struct Watched {
    std::uint32_t wanted = 0;      ///< what curl asks for now
    std::uint32_t registered = 0;  ///< what the epoll set has; kept when curl asks for less
    bool connection = false;       ///< opened by on_open, so that on_close tells when it goes
  };

  AsioLoop& loop;
  const CurlLibrary& curl;
  std::function<void(CURL*, CURLcode)> done;
  CURLM* multi = nullptr;
  asio::posix::stream_descriptor events;
  std::unordered_map<curl_socket_t, Watched> sockets;
  asio::steady_timer timer;
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point armed_for = Clock::time_point::max();
  bool kick_posted = false;
  bool closed = false;

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    static_cast<State*>(user)->watch(socket, what);
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* user) {
    static_cast<State*>(user)->set_deadline(milliseconds);
    return 0;
  }

  static curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) {
    const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket < 0) return CURL_SOCKET_BAD;
    static_cast<State*>(user)->sockets[socket] = {.connection = true};
    return socket;
  }

  static int on_close(void* user, curl_socket_t socket) {
    static_cast<State*>(user)->sockets.erase(socket);
    return ::close(socket);
  }

  void watch(curl_socket_t socket, int what) {
    auto& watched = sockets[socket];
    watched.wanted = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) watched.wanted |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) watched.wanted |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE && !watched.connection) {
      // A socket of curl's own (its resolver's), which it closes without a word.
      if (watched.registered != 0) set_registered(socket, watched, 0);
      sockets.erase(socket);
      return;
    }
    // Writable sockets report all the time, so that interest is taken back at once; EPOLLIN may stay.
    const bool surplus = (watched.registered & ~watched.wanted & EPOLLOUT) != 0;
    if (surplus || (watched.wanted & ~watched.registered) != 0) set_registered(socket, watched, watched.wanted);
  }

  void set_registered(curl_socket_t socket, Watched& watched, std::uint32_t mask) {
    epoll_event event{};
    event.events = mask;
    event.data.fd = socket;
    const int operation = mask == 0 ? EPOLL_CTL_DEL : watched.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    ::epoll_ctl(events.native_handle(), operation, socket, &event);
    watched.registered = mask;
  }

  void set_deadline(long milliseconds) {
    if (milliseconds < 0) {
      deadline = Clock::time_point::max();
      return;
    }
    if (milliseconds == 0) return kick();
    deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    if (deadline < armed_for) arm();
  }

  void arm() {
    armed_for = deadline;
    timer.expires_at(deadline);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
      if (failed || self->closed) return;
      self->armed_for = Clock::time_point::max();
      if (self->deadline == Clock::time_point::max()) return;
      if (Clock::now() < self->deadline) return self->arm();
      self->deadline = Clock::time_point::max();
      self->act(CURL_SOCKET_TIMEOUT, 0);
      self->collect();
    });
  }

  void kick() {
    if (kick_posted) return;
    kick_posted = true;
    loop.post([self = shared_from_this()] {
      self->kick_posted = false;
      if (self->closed) return;
      self->act(CURL_SOCKET_TIMEOUT, 0);
      self->collect();
    });
  }

  void act(curl_socket_t socket, int mask) {
    int running = 0;
    curl.curl_multi_socket_action(multi, socket, mask, &running);
  }

  void wait() {
    events.async_wait(asio::posix::descriptor_base::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& failed) {
                        if (failed || self->closed) return;
                        self->dispatch();
                        if (!self->closed) self->wait();
                      });
  }

  void dispatch() {
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(events.native_handle(), ready.data(), ready.size(), 0);
    for (int i = 0; i < count; ++i) {
      const auto found = sockets.find(ready[i].data.fd);
      if (found == sockets.end()) continue;
      if (found->second.wanted == 0) {
        // An idle connection that its peer has closed: curl finds out when it wants to use it.
        set_registered(found->first, found->second, 0);
        continue;
      }
      int mask = 0;
      if ((ready[i].events & EPOLLIN) != 0) mask |= CURL_CSELECT_IN;
      if ((ready[i].events & EPOLLOUT) != 0) mask |= CURL_CSELECT_OUT;
      if ((ready[i].events & (EPOLLERR | EPOLLHUP)) != 0) mask |= CURL_CSELECT_ERR;
      act(ready[i].data.fd, mask);
    }
    collect();
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl.curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const easy = message->easy_handle;
      const CURLcode code = message->data.result;
      curl.curl_multi_remove_handle(multi, easy);
      done(easy, code);
      if (closed) return;
    }
  }
};

CurlMulti::CurlMulti(AsioLoop& loop, const CurlLibrary& curl, std::function<void(CURL*, CURLcode)> done)
    : state_(std::make_shared<State>(loop, curl, std::move(done))) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  MILLRACE_CHECK(epoll >= 0, "no epoll set: out of file descriptors");
  state_->events.assign(epoll);
  state_->multi = curl.curl_multi_init();
  MILLRACE_CHECK(state_->multi != nullptr, "curl_multi_init");
  curl.curl_multi_setopt(state_->multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
  curl.curl_multi_setopt(state_->multi, CURLMOPT_SOCKETDATA, state_.get());
  curl.curl_multi_setopt(state_->multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
  curl.curl_multi_setopt(state_->multi, CURLMOPT_TIMERDATA, state_.get());
  state_->wait();
}

CurlMulti::~CurlMulti() {
  state_->closed = true;
  state_->curl.curl_multi_cleanup(state_->multi);
  state_->timer.cancel();
  state_->events.close();
}

void CurlMulti::prepare(CURL* easy) {
  state_->curl.curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &State::on_open);
  state_->curl.curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, state_.get());
  state_->curl.curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &State::on_close);
  state_->curl.curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, state_.get());
}

void CurlMulti::add(CURL* easy) {
  const auto code = state_->curl.curl_multi_add_handle(state_->multi, easy);
  MILLRACE_CHECK(code == CURLM_OK, "curl_multi_add_handle");
}

void CurlMulti::cut() {
  for (const auto& [socket, watched] : state_->sockets) {
    if (watched.connection) ::shutdown(socket, SHUT_RDWR);
  }
}

void CurlMulti::remove(CURL* easy) {
  state_->curl.curl_multi_remove_handle(state_->multi, easy);
}

}  // namespace millrace::io::posix
