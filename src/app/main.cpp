#include <string_view>

#include <malloc.h>

#include "app/commands.hpp"
#include "app/worker_command.hpp"
#include "components/catalogue.hpp"

int main(int argc, char** argv) {
  // One heap instead of one for each thread: the second thread of the platform only writes and syncs.
  ::mallopt(M_ARENA_MAX, 1);
  // A worker is started often and in numbers: it does not pay for the command line.
  const bool asks_for_words = argc > 2 && std::string_view(argv[2]).starts_with('-');  // `millrace worker --help`
  if (argc > 1 && std::string_view(argv[1]) == "worker" && !asks_for_words) {
    return millrace::app::run_worker(millrace::components::make_catalogue());
  }
  return millrace::app::command_line(argc, argv);
}
