#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::broker {

class Broker;

/// The brokers that clients choose from with connection.open's virtual-host: worlds of their own, each with its own
/// log. Copies share the list. Lifetime: the brokers outlive it.
class VirtualHosts {
 public:
  using List = std::map<std::string, std::reference_wrapper<Broker>, std::less<>>;

  /// None: another program keeps the queues.
  VirtualHosts() = default;
  /// One world, "/".
  VirtualHosts(Broker& root) { list_->emplace("/", root); }  // NOLINT(google-explicit-constructor): most have only one

  void add(std::string name, Broker& broker) { list_->emplace(std::move(name), broker); }
  Broker* find(std::string_view name) const {
    const auto found = list_->find(name);
    return found == list_->end() ? nullptr : &found->second.get();
  }
  Broker& root() const { return list_->find("/")->second; }
  const List& all() const { return *list_; }
  bool empty() const { return list_->empty(); }

 private:
  std::shared_ptr<List> list_ = std::make_shared<List>();
};

}  // namespace millrace::broker
