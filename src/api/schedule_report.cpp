#include "api/schedule_report.hpp"

#include <string_view>

namespace millrace::api {

boost::json::object schedule_report(const scheduler::Scheduler::Upcoming& upcoming) {
  const auto& trouble = upcoming.trouble;
  const std::string_view busy = trouble ? "failing" : "looking";
  boost::json::object report = {{"text", upcoming.schedule},
                                {"next_at", upcoming.next.time_since_epoch().count()},
                                {"last_at", upcoming.last.time_since_epoch().count()},
                                {"state", upcoming.looks ? busy : "waiting"},
                                {"failing", nullptr}};
  if (trouble) {
    report["failing"] = {{"reason", trouble->reason},
                         {"since", trouble->since},
                         {"attempts", trouble->attempts},
                         {"next_try_at", trouble->next_try}};
  }
  return report;
}

}  // namespace millrace::api
