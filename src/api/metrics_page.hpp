#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace millrace::api {

/// Text in Prometheus' exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/): families one
/// after another, what each is, then its samples.
class MetricsPage {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <class Value>
  void sample(std::string_view labels, Value value, std::string_view suffix = {}) {
    text += fmt::format("{}{}{}{}{} {}\n", name_, suffix, labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}",
                        value);
  }
  template <class Value>
  void single(std::string_view name, std::string_view type, std::string_view help, Value value) {
    family(name, type, help);
    sample({}, value);
  }

  std::string text;

 private:
  std::string_view name_;
};

/// A label's value as it stands between quotes.
std::string escaped_label(std::string_view text);

}  // namespace millrace::api
