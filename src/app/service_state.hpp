#pragma once

#include <string_view>

namespace millrace::app {

/// Tells systemd where the service stands ("READY=1", "STOPPING=1"), by sd_notify(3)'s protocol: a datagram to the
/// socket that NOTIFY_SOCKET names. Without one it does nothing.
void tell_systemd(std::string_view state);

}  // namespace millrace::app
