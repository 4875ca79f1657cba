#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "deployment/publication.hpp"
#include "installed/installer.hpp"
#include "store/store.hpp"

namespace millrace::api {

/// Components that are being installed, and how it came out with the last hundred. What was under way when a platform
/// ended is forgotten, and nothing of it is left. Thread: the loop's. All that it is given outlives it.
class Installations {
 public:
  /// `added` is called after each component that has come.
  Installations(installed::Installer& installer, store::Store& store, std::function<void()> added)
      : installer_(installer), store_(store), added_(std::move(added)) {}

  /// Begins one and returns its id. That a component has come is written into the audit log.
  /// `ended` is told when it is there or has failed.
  std::string begin(
      installed::Order order, const deployment::Change& change, std::function<void()> ended = [] {});
  /// For those that ask: id, state (installing, installed, failed), source, stage, component, error, notes.
  std::optional<boost::json::object> find(std::string_view id) const;
  /// Takes a component away, if no flow uses it; `removed` is told on the loop. Error::not_found, conflict.
  void remove(const std::string& component, const deployment::Change& change, std::function<void(Status)> removed);

 private:
  struct One {
    std::string id;
    std::string source;
    std::string stage;
    std::string component = {};  ///< once it is there
    std::string version = {};
    std::string error = {};
    std::vector<std::string> notes = {};
  };
  const One* known(std::string_view id) const;
  One* known(std::string_view id);
  void finish(const std::string& id, const Result<const installed::Installation*>& result,
              const deployment::Change& change);
  void audit(const std::string& action, const std::string& component, const std::string& before,
             const std::string& after, const deployment::Change& change);

  installed::Installer& installer_;
  store::Store& store_;
  std::function<void()> added_;
  std::deque<One> all_;  ///< newest last
};

}  // namespace millrace::api
