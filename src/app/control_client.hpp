#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::app {

struct ControlAnswer {
  int status = 0;    ///< HTTP
  std::string head;  ///< header lines
  std::string body;
};

/// What is sent besides method and target.
struct ControlContent {
  std::string body = {};
  std::string content_type = {};
  std::vector<std::string> headers = {};  ///< "Name: value"
};

/// Asks a running platform through its control socket; HTTP/1.1, one request a connection. Blocks, at most 30 s.
/// Error::not_found if no platform has the door open.
Result<ControlAnswer> ask_platform(const std::string& data_folder, std::string_view method, std::string_view target,
                                   const ControlContent& content = {});

/// The path of the folder's socket, for those that connect by themselves: short, however long the folder's is.
std::string control_socket_of(const std::string& data_folder);

/// Whether a platform has the folder's door open.
bool platform_runs(const std::string& data_folder);

}  // namespace millrace::app
