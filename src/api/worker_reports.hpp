#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "component/presence.hpp"
#include "core/result.hpp"
#include "flow/plan.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What workers tell the platform themselves where their broker is not the platform's own (RabbitMQ). With the embedded
/// broker all three are empty, and there are no such doors.
struct WorkerReports {
  /// `POST …/presence`, once a second (component::PresenceSender).
  std::function<void(const std::string& user, const flow::WorkerPlan& worker, const component::Presence& presence)>
      presence = {};
  /// `PUT …/snapshot`: the step's new position, JSON text; told Done when it is kept for good.
  std::function<void(const flow::WorkerPlan& worker, std::string text, std::function<void(Status)> kept)>
      save_snapshot = {};
  /// The worker has asked for its settings.
  std::function<void(const std::string& user, const flow::WorkerPlan& worker)> asked = {};
};

/// The most that a report of this kind may have, bytes; nullopt: there is no such report.
std::optional<std::uint64_t> report_size_max(std::string_view part);

/// `…/presence` and `…/snapshot`: 204; 400 for what is no report; 503 when the snapshot cannot be kept now; 404 where
/// nobody takes it.
void take_report(const WorkerReports& reports, std::string_view part, io::posix::HttpRequest& request,
                 const flow::WorkerPlan& worker, const std::string& user, const io::posix::Respond& respond);

}  // namespace millrace::api
