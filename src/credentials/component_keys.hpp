#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "credentials/shelf.hpp"
#include "io/loop.hpp"

namespace millrace::credentials {

/// Takes what installed components have got anew for the credential of their step (elastic.io's updateKeys), checked by
/// the component's form (take_keys). Thread: the loop's. All it is given outlives it.
class ComponentKeys {
 public:
  ComponentKeys(io::Loop& loop, Shelf& shelf, const component::Catalogue& catalogue)
      : loop_(loop), shelf_(shelf), catalogue_(catalogue) {}

  /// `done`: it is on stable storage, with its entry in the audit log, or was so already. Error::not_found: there is no
  /// such credential; invalid: a key is not the component's, or not what it should be; stale: a person has set it
  /// meanwhile.
  void take(const std::string& credential, const std::string& component, const boost::json::object& keys,
            const std::string& who, std::function<void(Status)> done);

 private:
  io::Loop& loop_;
  Shelf& shelf_;
  const component::Catalogue& catalogue_;
};

}  // namespace millrace::credentials
