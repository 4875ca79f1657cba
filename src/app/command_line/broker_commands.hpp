#pragma once

#include "app/broker_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace broker` and what is below it. A command below it leaves its name in `question.what`.
void add_broker(CLI::App& app, BrokerOptions& options, BrokerQuestion& question);

}  // namespace millrace::app
