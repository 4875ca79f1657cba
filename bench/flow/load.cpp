// Load client and 204 sink in one cheap process, so that both ends of an execution are seen on one clock.
//
//   flow_load PORT_FILE            listens on a free port of 127.0.0.1 (written to PORT_FILE), then takes one order a
//   line: run PORT PATH SECONDS CONNECTIONS WINDOW
//
// Closed loop: each connection posts one form after another; at most WINDOW executions are between post and sink. The
// answer is a line of JSON: executions, seconds, executions_per_second (at the sink), accept_to_sink_ms (p50, p99),
// rejected.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Order {
  std::uint16_t port = 0;
  std::string path;
  double seconds = 0;
  int connections = 0;
  std::uint64_t window = 0;
};

/// What both ends have seen of each execution.
class Book {
 public:
  explicit Book(Clock::time_point begin) : begin_(begin) {}

  std::uint64_t open() const { return posted_ - sunk_; }
  std::uint64_t sunk() const { return sunk_; }
  std::uint64_t post() {
    times_.push_back({});
    return posted_++;
  }
  void accepted(std::uint64_t number) { times_[number].accepted = now(); }
  void reached_sink(std::uint64_t number) {
    if (number >= times_.size() || times_[number].sunk != 0) return;
    times_[number].sunk = now();
    ++sunk_;
  }
  /// Milliseconds from the 202 to the sink; an execution that overtook its 202 counts as 0.
  std::vector<double> latencies() const {
    std::vector<double> all;
    for (const auto& time : times_) {
      if (time.sunk != 0 && time.accepted != 0) all.push_back(std::max(0.0, (time.sunk - time.accepted) * 1e3));
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  struct Times {
    double accepted = 0;  // seconds since the start
    double sunk = 0;
  };
  double now() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  Clock::time_point begin_;
  std::vector<Times> times_;
  std::uint64_t posted_ = 0;
  std::uint64_t sunk_ = 0;
};

struct Connection {
  int socket = -1;
  bool is_sink = false;
  std::string in;
  bool busy = false;
  std::uint64_t number = 0;
};

void must(bool fine, const char* doing) {
  if (fine) return;
  std::perror(doing);
  std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// The length of a whole HTTP message at the start of `in`, or 0. Both ends send Content-Length or nothing (204).
std::size_t whole_message(std::string_view in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  std::size_t length = 0;
  for (auto at = in.find("\r\n"); at < end; at = in.find("\r\n", at + 2)) {
    const auto line = in.substr(at + 2, 16);
    if (strncasecmp(line.data(), "content-length: ", std::min<std::size_t>(16, line.size())) == 0 &&
        line.size() == 16) {
      length = std::strtoull(in.data() + at + 18, nullptr, 10);
    }
  }
  return in.size() >= end + 4 + length ? end + 4 + length : 0;
}

class Load {
 public:
  explicit Load(const char* port_file) {
    epoll_ = epoll_create1(0);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    auto address = loopback(0);
    must(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    must(listen(listener_, 256) == 0, "listen");
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    std::ofstream(port_file) << ntohs(address.sin_port) << '\n';
    watch(listener_);
  }

  void run(const Order& order) {
    order_ = order;
    const auto begin = Clock::now();
    book_ = std::make_unique<Book>(begin);
    rejected_ = 0;
    for (int i = 0; i < order.connections; ++i) connect_client();
    const auto end = begin + std::chrono::duration<double>(order.seconds);
    const auto patience = end + std::chrono::seconds(30);
    posting_ = true;
    while (Clock::now() < end) turn();
    const auto at_end = book_->sunk();
    posting_ = false;
    while (book_->open() > rejected_ && Clock::now() < patience) turn();
    const auto latencies = book_->latencies();
    const auto percentile = [&](double part) {
      return latencies.empty() ? 0.0
                               : latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
    };
    std::printf(
        "{\"executions\":%llu,\"missing\":%llu,\"rejected\":%llu,\"seconds\":%.1f,\"executions_per_second\":%.0f,"
        "\"accept_to_sink_ms\":{\"p50\":%.2f,\"p99\":%.2f}}\n",
        static_cast<unsigned long long>(book_->sunk()), static_cast<unsigned long long>(book_->open() - rejected_),
        static_cast<unsigned long long>(rejected_), order.seconds, static_cast<double>(at_end) / order.seconds,
        percentile(0.5), percentile(0.99));
    std::fflush(stdout);
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (!it->second.is_sink) close(it->first);
      it = it->second.is_sink ? std::next(it) : connections_.erase(it);
    }
    idle_.clear();
  }

 private:
  void watch(int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    must(epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
  }

  void connect_client() {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    const auto address = loopback(order_.port);
    must(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    no_delay(client);
    fcntl(client, F_SETFL, O_NONBLOCK);
    connections_[client] = {client, false, {}, false, 0};
    idle_.push_back(client);
    watch(client);
  }

  void post_next() {
    while (posting_ && !idle_.empty() && book_->open() < order_.window) {
      auto& connection = connections_.at(idle_.back());
      idle_.pop_back();
      connection.number = book_->post();
      connection.busy = true;
      const auto number = std::to_string(connection.number);
      const std::string body =
          "{\"number\":" + number +
          ",\"company\":\"Waterworks Ltd\",\"email\":\"Ada.Lovelace@Waterworks.example\",\"message\":\"We would "
          "like to hear more about sluices, wheels and stones for a mill of ours\",\"products\":[{\"name\":"
          "\"sluice\",\"stock\":4},{\"name\":\"wheel\",\"stock\":0},{\"name\":\"stone\",\"stock\":2}]}";
      const std::string request = "POST " + order_.path +
                                  " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
                                  "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      must(write(connection.socket, request.data(), request.size()) == static_cast<ssize_t>(request.size()), "post");
    }
  }

  void turn() {
    post_next();
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, 10);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener_) {
        accept_sink();
      } else {
        read_from(events[i].data.fd);
      }
    }
  }

  void accept_sink() {
    const int sink = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (sink < 0) return;
    no_delay(sink);
    connections_[sink] = {sink, true, {}, false, 0};
    watch(sink);
  }

  void read_from(int socket) {
    const auto found = connections_.find(socket);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    char buffer[65536];
    const auto size = read(socket, buffer, sizeof buffer);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      must(connection.is_sink, "the platform closed a connection");
      close(socket);
      connections_.erase(found);
      return;
    }
    connection.in.append(buffer, static_cast<std::size_t>(size));
    std::size_t used = 0;
    std::string answers;
    while (const auto length = whole_message(std::string_view(connection.in).substr(used))) {
      const auto message = std::string_view(connection.in).substr(used, length);
      connection.is_sink ? take(message, answers) : answered(connection, message);
      used += length;
    }
    connection.in.erase(0, used);
    if (!answers.empty())
      must(write(socket, answers.data(), answers.size()) == static_cast<ssize_t>(answers.size()), "answer");
  }

  void take(std::string_view message, std::string& answers) {
    const auto at = message.find("\"number\":");
    if (at != std::string_view::npos && book_) book_->reached_sink(std::strtoull(message.data() + at + 9, nullptr, 10));
    answers += "HTTP/1.1 204 No Content\r\n\r\n";
  }

  void answered(Connection& connection, std::string_view message) {
    if (message.substr(9, 1) == "2") {
      book_->accepted(connection.number);
    } else {
      ++rejected_;
    }
    connection.busy = false;
    idle_.push_back(connection.socket);
  }

  int epoll_ = -1;
  int listener_ = -1;
  Order order_;
  std::unique_ptr<Book> book_;
  std::unordered_map<int, Connection> connections_;
  std::vector<int> idle_;
  bool posting_ = false;
  std::uint64_t rejected_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Load load(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    Order order;
    words >> verb >> order.port >> order.path >> order.seconds >> order.connections >> order.window;
    if (verb == "run" && words) load.run(order);
  }
}
