#include "app/platform.hpp"

#include <map>
#include <optional>

#include <fmt/format.h>

#include "api/broker_api.hpp"
#include "api/control_api.hpp"
#include "api/worker_api.hpp"
#include "app/broker_access.hpp"
#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/status_report.hpp"
#include "app/tally.hpp"
#include "app/topology.hpp"
#include "app/worker_drivers.hpp"
#include "app/worker_launch.hpp"
#include "broker/broker.hpp"
#include "broker/server.hpp"
#include "broker/users.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "core/time/timestamp.hpp"
#include "flow/plan.hpp"
#include "gateway/gateway.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/memory_use.hpp"
#include "scheduler/scheduler.hpp"

namespace millrace::app {
namespace {

using Started = StatusOf<StartFailure>;

StartFailure failure(int exit_code, const Error& error) {
  return {exit_code, error.message};
}

}  // namespace

/// Declared in the order in which they come up; they go down in the opposite one.
class Platform::Parts {
 public:
  Parts(io::posix::AsioLoop& loop, const RunOptions& options, Hooks hooks)
      : loop_(loop), options_(options), hooks_(std::move(hooks)), offload_(loop) {}

  Started open_broker() {
    auto folder = DataFolder::open(options_.data_folder, DataFolder::Missing::create);
    if (!folder) return failure(ExitCode::data_folder, folder.error());
    folder_.emplace(std::move(*folder));
    auto disk = io::posix::PosixDisk::open(folder_->broker_folder());
    if (!disk) return failure(ExitCode::data_folder, disk.error().in("data folder " + options_.data_folder));
    disk_ = std::move(*disk);
    auto broker = broker::Broker::open(loop_, *disk_, offload_, {});
    if (!broker) return failure(ExitCode::data_folder, broker.error().in("data folder " + options_.data_folder));
    broker_ = std::move(*broker);
    return Done{};
  }

  Started declare(const std::vector<flow::Flow>& flows, const component::Catalogue& catalogue) {
    for (const auto& flow : flows) plans_.push_back(flow::make_plan(flow, catalogue));
    for (const auto& plan : plans_) {
      for (const auto& worker : plan.workers) {
        if (auto fits = check_limits(worker, options_); !fits) return failure(ExitCode::usage, fits.error());
      }
    }
    session_ = broker_->begin_session();
    const auto declared = app::declare(*broker_, session_, plans_, [](const Error& error) {
      log::error("the data folder can no longer be written", {{"reason", error.message}});
    });
    if (!declared) return failure(ExitCode::data_folder, declared.error());
    tally_.emplace(*broker_, plans_);
    for (const auto& left : leftovers(*broker_, plans_)) {
      log::warning("messages of a flow or step that is not loaded stay on their queue",
                   {{"queue", left.queue}, {"messages", std::to_string(left.messages)}});
    }
    for (const auto& plan : plans_) {
      for (const auto& worker : plan.workers) worker_plans_.emplace(std::pair(worker.flow, worker.step), &worker);
    }
    return Done{};
  }

  Started listen(const std::vector<flow::Flow>& flows) {
    gateway_.emplace(loop_, *broker_, flows, gateway::Gateway::Limits{});
    auto http = io::posix::HttpServer::listen(loop_, options_.http_address, {}, *gateway_);
    if (!http) return failure(ExitCode::listen, http.error());
    http_ = std::move(*http);
    return listen_for_workers();
  }

  Started listen_for_workers() {
    auto amqp = broker::Server::listen(loop_, *broker_, users_, "127.0.0.1", 0);
    if (!amqp) return failure(ExitCode::listen, amqp.error());
    amqp_ = std::move(*amqp);
    worker_api_.emplace(*broker_, users_, plans_);
    auto worker_http = io::posix::HttpServer::listen(loop_, "127.0.0.1:0", {}, *worker_api_);
    if (!worker_http) return failure(ExitCode::listen, worker_http.error());
    worker_http_ = std::move(*worker_http);
    broker_api_.emplace(*broker_, facts());
    auto status = [this] {
      return status_report(totals(), *broker_, plans_, orchestrator_->status(), drivers_->report());
    };
    control_api_.emplace(api::DeadLetters(*broker_, session_), std::move(status), &*broker_api_);
    auto control = io::posix::HttpServer::listen(loop_, "unix:" + folder_->control_socket(), {}, *control_api_);
    if (!control) return failure(ExitCode::data_folder, control.error());
    control_ = std::move(*control);
    return make_drivers();
  }

  Started make_drivers() {
    const orchestrator::Doors loopback{fmt::format("127.0.0.1:{}", amqp_->port()),
                                       fmt::format("127.0.0.1:{}", worker_http_->port())};
    auto drivers = WorkerDrivers::make({loop_, users_, *broker_, *worker_api_, loopback, folder_->container_record()},
                                       options_.docker);
    if (!drivers) {
      const bool misspelt = drivers.error().kind == Error::Kind::invalid;
      return failure(misspelt ? ExitCode::usage : ExitCode::data_folder, drivers.error());
    }
    drivers_ = std::move(*drivers);
    return Done{};
  }

  api::BrokerFacts facts() {
    api::BrokerFacts facts;
    facts.connections = [this] { return amqp_->connections(); };
    facts.traffic = [this] { return amqp_->traffic(); };
    facts.logs = [this] {
      const auto usage = disk_->usage();
      const auto free = disk_->free_space();
      return std::vector<api::LogFacts>{{"/", usage.files, usage.bytes, free ? *free : 0, &disk_->sync_times()}};
    };
    facts.memory = [] { return api::MemoryFacts{io::posix::memory_use(), 0, false}; };
    return facts;
  }

  void start_workers() {
    access_.emplace(users_);
    orchestrator::Orchestrator::Settings settings;
    settings.limits.grace = options_.grace;
    settings.limits.start_timeout = options_.start_timeout;
    orchestrator::Orchestrator::Hooks hooks;
    hooks.launch = [this](const orchestrator::WorkerKey& key, const orchestrator::Credentials& credentials) {
      const auto& plan = *worker_plans_.at({key.flow, key.step});
      return worker_launch(plan, key, credentials, run_id_, options_);
    };
    hooks.started = [this](const orchestrator::WorkerStatus& worker) {
      const auto& [process_id, container] = worker.whereabouts;
      const auto place = container.empty() ? fmt::format("pid {}", process_id) : "container " + container;
      hooks_.line(fmt::format("worker   {}  {}", worker.worker.name(), place));
    };
    orchestrator_.emplace(loop_, drivers_->driver(), *access_, settings, std::move(hooks));
    std::vector<orchestrator::WorkerKey> desired;
    for (const auto& [key, plan] : worker_plans_) {
      for (std::uint32_t instance = 1; instance <= plan->instances; ++instance) {
        desired.push_back({plan->flow, plan->step, instance});
      }
    }
    users_.watch([this](const std::string& user) { loop_.post([this, user] { orchestrator_->connected(user); }); },
                 [this](const std::string& user) { loop_.post([this, user] { orchestrator_->disconnected(user); }); });
    orchestrator_->recover(desired);
  }

  void start_schedules() {
    scheduler_.emplace(loop_, *broker_, plans_);
    scheduler_->start();
    for (const auto& trigger : scheduler_->upcoming()) {
      hooks_.line(fmt::format("schedule {}.{}  {}  next {}", trigger.flow, trigger.step, trigger.schedule,
                              to_timestamp(trigger.next)));
    }
  }

  Totals totals() { return tally_->now(gateway_->accepted_total() + scheduler_->executions_total()); }

  void print_webhooks() const {
    const auto colon = options_.http_address.rfind(':');
    const auto host = colon == 0 ? "localhost" : options_.http_address.substr(0, colon);
    for (const auto& route : gateway_->routes()) {
      hooks_.line(fmt::format("webhook  {}  {}  http://{}:{}/{}", route.flow, fmt::join(route.methods, ","), host,
                              http_->port(), route.path));
    }
  }

  void drain(std::function<void(Status)> stopped) {
    http_->drain([] {});
    scheduler_->stop();
    orchestrator_->stop([this, stopped = std::move(stopped)] {
      drivers_->close([this, stopped] { amqp_->stop([this, stopped] { broker_->close(stopped); }); });
    });
  }

  io::posix::AsioLoop& loop_;
  RunOptions options_;
  Hooks hooks_;
  const std::string run_id_ = random_id();

  std::optional<DataFolder> folder_;
  std::unique_ptr<io::posix::PosixDisk> disk_;
  io::posix::ThreadOffload offload_;
  std::unique_ptr<broker::Broker> broker_;
  broker::SessionId session_;
  std::vector<flow::Plan> plans_;
  std::map<std::pair<std::string, std::string>, const flow::WorkerPlan*> worker_plans_;  ///< by flow and step

  std::optional<Tally> tally_;

  broker::Users users_;
  std::unique_ptr<broker::Server> amqp_;
  std::optional<scheduler::Scheduler> scheduler_;
  std::optional<gateway::Gateway> gateway_;
  std::unique_ptr<io::posix::HttpServer> http_;
  std::optional<api::WorkerApi> worker_api_;
  std::unique_ptr<io::posix::HttpServer> worker_http_;
  std::optional<api::BrokerApi> broker_api_;
  std::optional<api::ControlApi> control_api_;
  std::unique_ptr<io::posix::HttpServer> control_;
  std::unique_ptr<WorkerDrivers> drivers_;
  std::optional<BrokerAccess> access_;
  std::optional<orchestrator::Orchestrator> orchestrator_;
};

Result<std::unique_ptr<Platform>, StartFailure> Platform::start(io::posix::AsioLoop& loop, const RunOptions& options,
                                                                const std::vector<flow::Flow>& flows,
                                                                const component::Catalogue& catalogue, Hooks hooks) {
  auto parts = std::make_unique<Parts>(loop, options, std::move(hooks));
  if (auto done = parts->open_broker(); !done) return done.error();
  if (auto done = parts->declare(flows, catalogue); !done) return done.error();
  if (auto done = parts->listen(flows); !done) return done.error();
  parts->print_webhooks();
  parts->start_schedules();
  parts->start_workers();
  return std::unique_ptr<Platform>(new Platform(std::move(parts)));
}

Platform::Platform(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Platform::~Platform() = default;

void Platform::drain(std::function<void(Status)> stopped) {
  parts_->drain(std::move(stopped));
}

void Platform::kill_workers() {
  parts_->orchestrator_.reset();
  parts_->drivers_.reset();
}

Totals Platform::totals() {
  return parts_->totals();
}

}  // namespace millrace::app
