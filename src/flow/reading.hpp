#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "flow/document.hpp"
#include "flow/load.hpp"
#include "flow/source.hpp"

namespace millrace::flow {

/// What every part of the reader needs while one file is read: where names are looked up, and where problems go. Lives
/// as long as the reading of the file.
class Reading {
 public:
  Reading(const Source& source, const component::Catalogue& catalogue, const Variables& variables,
          const Running& otherwise = {})
      : source_(source), catalogue_(catalogue), variables_(variables), otherwise_(otherwise) {}

  const Source& source() const { return source_; }
  const component::Catalogue& catalogue() const { return catalogue_; }
  /// What the platform says of running, where the flow does not.
  const Running& otherwise() const { return otherwise_; }

  void problem(std::size_t offset, std::string field, std::string message, std::string mend = {});
  void problem(const Node& node, std::string field, std::string message, std::string mend = {}) {
    problem(node.offset, std::move(field), std::move(message), std::move(mend));
  }
  std::size_t problem_count() const { return problems_.size(); }
  /// In the order of the file.
  Problems take_problems();

  /// Reports every key of the mapping that is not in `known` (with the nearest one) or stands there twice.
  void check_keys(const Node& mapping, const std::string& path, const std::vector<std::string>& known);
  /// Reports every key that stands there twice.
  void check_repeats(const Node& mapping, const std::string& path);

  struct Scalar {
    std::string text;
    bool replaced = false;  ///< holds a variable's value, so its type is the one that is wanted
  };
  /// A scalar's text with its variables replaced; nullopt after reporting one that cannot be.
  std::optional<Scalar> scalar(const Node& node, const std::string& field);

 private:
  const Source& source_;
  const component::Catalogue& catalogue_;
  const Variables& variables_;
  Running otherwise_;
  Problems problems_;
};

/// "steps[2]" + "config" = "steps[2].config".
std::string join(const std::string& path, std::string_view name);

}  // namespace millrace::flow
