#pragma once

#include "app/commands.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace dead-letters` and what is below it.
void add_dead_letters(CLI::App& app, DeadLettersOptions& options);

}  // namespace millrace::app
