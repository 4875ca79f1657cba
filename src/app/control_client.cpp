#include "app/control_client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/data_folder.hpp"

namespace millrace::app {
namespace {

class Connection {
 public:
  Connection() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  /// A Unix socket's path may have 107 characters; through /proc/self/fd the folder's length does not count.
  bool connect(const std::string& folder) {
    const int folder_fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) return false;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    fmt::format_to_n(address.sun_path, sizeof(address.sun_path) - 1, "/proc/self/fd/{}/control.sock", folder_fd);
    const int connected = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::close(folder_fd);
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return connected == 0;
  }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// All that comes until the other side closes.
  Result<std::string> receive() {
    std::string text;
    std::array<char, 16 * 1024> chunk;
    for (;;) {
      const auto size = ::recv(socket_, chunk.data(), chunk.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return Error{Error::Kind::unavailable, "the platform does not answer"};
      if (size == 0) return text;
      text.append(chunk.data(), static_cast<std::size_t>(size));
    }
  }

 private:
  int socket_;
};

Result<ControlAnswer> parse(const std::string& text) {
  const auto head_end = text.find("\r\n\r\n");
  ControlAnswer answer;
  if (head_end == std::string::npos || text.size() < 12 || !text.starts_with("HTTP/1.")) {
    return Error{Error::Kind::unavailable, "the platform's answer is cut short"};
  }
  std::from_chars(text.data() + 9, text.data() + 12, answer.status);
  answer.head = text.substr(0, head_end + 2);
  answer.body = text.substr(head_end + 4);
  return answer;
}

}  // namespace

std::string control_socket_of(const std::string& data_folder) {
  // Stays open: the path goes through it.
  const int folder = ::open(data_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return folder < 0 ? data_folder + "/control.sock" : fmt::format("/proc/self/fd/{}/control.sock", folder);
}

bool platform_runs(const std::string& data_folder) {
  return Connection().connect(data_folder);
}

Result<ControlAnswer> ask_platform(const std::string& data_folder, std::string_view method, std::string_view target,
                                   const ControlContent& content) {
  Connection connection;
  if (!connection.connect(data_folder)) {
    return Error{Error::Kind::not_found, fmt::format("no platform runs on the data folder {}", data_folder)};
  }
  auto request = fmt::format("{} {} HTTP/1.1\r\nHost: millrace\r\nContent-Length: {}\r\nConnection: close\r\n", method,
                             target, content.body.size());
  if (!content.content_type.empty()) request += fmt::format("Content-Type: {}\r\n", content.content_type);
  for (const auto& header : content.headers) request += header + "\r\n";
  request += "\r\n" + content.body;
  if (!connection.send(request)) return Error{Error::Kind::unavailable, "the platform hung up"};
  auto text = connection.receive();
  if (!text) return text.error();
  return parse(*text);
}

}  // namespace millrace::app
