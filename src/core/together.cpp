#include "core/together.hpp"

#include <memory>
#include <utility>

namespace millrace {

std::function<void(const Status&)> together(std::size_t count, std::function<void(Status)> all) {
  struct Pending {
    std::size_t count;
    Status status = Done{};
  };
  auto pending = std::make_shared<Pending>(Pending{count});
  return [pending, all = std::move(all)](const Status& status) {
    if (!status && pending->status) pending->status = status;
    if (--pending->count == 0 && all) all(pending->status);
  };
}

}  // namespace millrace
