#include "cluster/change_watch.hpp"

#include <utility>
#include <vector>

namespace millrace::cluster {

ChangeWatch::~ChangeWatch() {
  *alive_ = false;
  loop_.cancel(timer_);
}

Status ChangeWatch::begin() {
  const auto last = store_.now<std::int64_t>([](store::Database& database) { return store::Changes(database).last(); });
  if (!last) return last.error();
  seen_ = *last;
  return Done{};
}

void ChangeWatch::watch(Changed changed) {
  changed_ = std::move(changed);
  timer_ = loop_.after(interval_, [this] { look(); });
}

void ChangeWatch::look() {
  using Subjects = std::vector<store::Changes::Subject>;
  store_.run<Subjects>([seen = seen_](store::Database& database) { return store::Changes(database).since(seen); },
                       [this, alive = alive_](const Result<Subjects>& subjects) {
                         if (!*alive) return;
                         timer_ = loop_.after(interval_, [this] { look(); });
                         if (!subjects) return;  // the members say that the store cannot be reached
                         for (const auto& subject : *subjects) {
                           seen_ = subject.number;
                           changed_(subject.name);
                         }
                       });
}

}  // namespace millrace::cluster
