#pragma once

#include "component/action.hpp"

/// One maker for each trigger and action; each stands in its component's folder, in a file of its name.
namespace millrace::components {

component::Function webhook_receive();
component::Function timer_tick();
component::Function http_poll();
component::Function http_request();
component::Function http_reply();
component::Function jsonata_transform();
component::Function email_send();
component::Function message_filter();
component::Function message_split();
component::Function message_log();

}  // namespace millrace::components
