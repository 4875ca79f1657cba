#include "app/worker_output.hpp"

#include <cctype>
#include <cstdio>

#include "core/log.hpp"

namespace millrace::app {

bool is_log_line(std::string_view line) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ ";
  if (line.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool fits = shape[i] == 'd' ? std::isdigit(static_cast<unsigned char>(line[i])) != 0 : line[i] == shape[i];
    if (!fits) return false;
  }
  return line.find(" [worker ") != std::string_view::npos;
}

void pass_on_worker_output(const std::string& worker, std::string_view line) {
  std::string text(line);
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0 && c != '\t') c = ' ';
  }
  if (is_log_line(text)) return log::pass_on(text);
  log::info("worker wrote", {{"worker", worker}, {"text", std::move(text)}});
}

}  // namespace millrace::app
