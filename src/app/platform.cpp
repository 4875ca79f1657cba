#include "app/platform.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/authorization_callback.hpp"
#include "api/broker_api.hpp"
#include "api/door.hpp"
#include "api/execution_report.hpp"
#include "api/flow_metrics.hpp"
#include "api/installations.hpp"
#include "api/services.hpp"
#include "api/status_report.hpp"
#include "api/step_logs.hpp"
#include "api/trace_metrics.hpp"
#include "api/worker_api.hpp"
#include "app/broker_access.hpp"
#include "app/cluster_parts.hpp"
#include "app/credential_parts.hpp"
#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/first_token.hpp"
#include "app/object_parts.hpp"
#include "app/queue_parts.hpp"
#include "app/store_place.hpp"
#include "app/trace_parts.hpp"
#include "app/verifications.hpp"
#include "app/worker_drivers.hpp"
#include "app/worker_launch.hpp"
#include "app/worker_output.hpp"
#include "app/worker_presences.hpp"
#include "app/worker_snapshot.hpp"
#include "broker/queues.hpp"
#include "broker/users.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "core/time/timestamp.hpp"
#include "deployment/deployments.hpp"
#include "deployment/publication.hpp"
#include "deployment/topology.hpp"
#include "gateway/gateway.hpp"
#include "history/recorder.hpp"
#include "installed/inquiries.hpp"
#include "installed/installer.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/memory_use.hpp"
#include "replay/replays.hpp"
#include "scheduler/scheduler.hpp"
#include "store/store.hpp"

namespace millrace::app {
namespace {

using Started = StatusOf<StartFailure>;
using InUse = std::vector<store::FlowInUse>;

StartFailure failure(int exit_code, const Error& error) {
  return {exit_code, error.message};
}

}  // namespace

/// Declared in the order in which they come up; they go down in the opposite one. What an offload may still have work
/// on stands before it.
class Platform::Parts {
 public:
  Parts(Site site, Hooks hooks)
      : loop_(site.loop),
        options_(site.options),
        catalogue_(site.catalogue),
        installed_(site.installed),
        variables_(site.variables),
        running_(running_of(site.options)),
        hooks_(std::move(hooks)),
        store_offload_(loop_),
        history_offload_(loop_),
        logs_(loop_),
        events_(loop_, random_token(3)) {}

  Started open_folder() {
    auto folder = DataFolder::open(options_.data_folder, DataFolder::Missing::create);
    if (!folder) return failure(ExitCode::data_folder, folder.error());
    folder_.emplace(std::move(*folder));
    installed::sweep(installed_.folder());
    auto store = open_store(store_offload_, *folder_, options_.store, StoreWait::until_reached, sharing_of(options_));
    if (!store) return failure(ExitCode::data_folder, store.error().in("data folder " + options_.data_folder));
    store_ = std::move(*store);
    if (sharing_of(options_) == store::Sharing::with_members) {
      auto cluster = ClusterParts::join(loop_, *store_, options_, *folder_);
      if (!cluster) return failure(ExitCode::data_folder, cluster.error());
      cluster_ = std::move(*cluster);
    }
    auto credentials =
        CredentialParts::open(loop_, *store_, catalogue_, options_, folder_->credential_key_file(), hooks_.line);
    if (!credentials) return failure(ExitCode::data_folder, credentials.error());
    credentials_ = std::move(*credentials);
    startups_.emplace(*store_, deployed_);
    if (auto loaded = startups_->load(); !loaded) return failure(ExitCode::data_folder, loaded.error());
    return Done{};
  }

  Started open_queues() {
    const auto unusable = [&](const Error& error) {
      return failure(ExitCode::data_folder, error.in("data folder " + options_.data_folder));
    };
    presences_.emplace(loop_, options_.worker_silence,
                       WorkerPresences::Hooks{[this](const std::string& user) { orchestrator_->connected(user); },
                                              [this](const std::string& user) { orchestrator_->disconnected(user); }});
    auto parts = QueueParts::open({loop_, options_, *folder_, *store_, users_,
                                   [this](const std::string& queue) { return presences_->work(queue); },
                                   cluster_ ? &cluster_->membership : nullptr});
    if (!parts) return unusable(parts.error());
    queue_parts_ = std::move(*parts);
    queues_ = &queue_parts_->queues();
    dead_letters_ = &queue_parts_->dead_letters();
    session_ = queues_->begin_session();
    platform_events_.emplace(api::PlatformEvents::Parts{loop_, *queues_, deployed_, *dead_letters_, events_});
    return open_history();
  }

  Started open_history() {
    const auto folder = folder_->history_folder();
    auto disk =
        folder ? io::posix::PosixDisk::open(*folder) : Result<std::unique_ptr<io::posix::PosixDisk>>(folder.error());
    if (!disk) return failure(ExitCode::data_folder, disk.error());
    history_disk_ = std::move(*disk);
    history::History::Limits limits;
    limits.size_max = options_.history_size_max;
    limits.keep = options_.history_keep;
    auto history = history::History::open(*history_disk_, limits);
    if (!history) return failure(ExitCode::data_folder, history.error());
    history_ = std::move(*history);
    recorder_.emplace(loop_, history_offload_, *history_, options_.history);
    auto objects = ObjectParts::open(loop_, *folder_, options_.objects, deployed_);
    if (!objects) return failure(ExitCode::data_folder, objects.error());
    objects_ = std::move(*objects);
    return Done{};
  }

  /// The files of `millrace run` become versions, before anything of the store runs and before the broker is opened.
  Started import(const std::vector<flow::Flow>& files) {
    if (auto problems = credentials_->problems_of(files, catalogue_); !problems.empty()) {
      return StartFailure{ExitCode::usage, std::move(problems)};
    }
    const auto now = loop_.wall_now().time_since_epoch().count();
    const auto done =
        store_->now<Done>([&](store::Database& database) { return deployment::import_files(database, files, now); });
    if (done) return Done{};
    const bool conflict = done.error().kind == Error::Kind::conflict;
    return failure(conflict ? ExitCode::usage : ExitCode::data_folder, done.error());
  }

  const tracing::Tracer* tracer() const { return traces_ ? &traces_->tracer : nullptr; }

  Started listen() {
    traces_ = TraceParts::open(loop_, options_, run_id_);
    gateway_.emplace(loop_, *queues_, gateway::Gateway::Limits{},
                     [this](const std::string& credential) { return credentials_->shelf.login(credential); });
    gateway_->watch([this](history::Beginning beginning) { recorder_->began(std::move(beginning)); });
    if (traces_) gateway_->trace_with(traces_->tracer);
    world_.emplace(credentials_->visits, *gateway_);
    auto http = io::posix::HttpServer::listen(loop_, options_.http_address, {}, *world_);
    if (!http) return failure(ExitCode::listen, http.error());
    http_ = std::move(*http);
    const auto amqp = queue_parts_->open_door();
    if (!amqp) return failure(ExitCode::listen, amqp.error());
    worker_api_.emplace(api::WorkerApi::Parts{*queues_,
                                              users_,
                                              deployed_,
                                              credentials_->logins,
                                              credentials_->keys,
                                              *startups_,
                                              &*recorder_,
                                              {traces_ ? &traces_->exporter : nullptr, options_.trace_ratio},
                                              worker_reports(),
                                              &objects_->door()});
    auto worker_http = io::posix::HttpServer::listen(loop_, "127.0.0.1:0", {}, *worker_api_);
    if (!worker_http) return failure(ExitCode::listen, worker_http.error());
    worker_http_ = std::move(*worker_http);
    return make_drivers(*amqp);
  }

  /// With RabbitMQ: the embedded broker sees by itself what its workers do.
  api::WorkerReports worker_reports() {
    api::WorkerReports reports;
    if (options_.amqp.empty()) return reports;
    reports.presence = [this](const std::string& user, const flow::WorkerPlan& worker,
                              const component::Presence& presence) { presences_->take(user, worker, presence); };
    reports.asked = [this](const std::string& user, const flow::WorkerPlan& worker) {
      presences_->asked(user, worker);
    };
    reports.save_snapshot = [this](const flow::WorkerPlan& worker, std::string text, std::function<void(Status)> kept) {
      save_snapshot(*queues_, session_, worker, std::move(text), std::move(kept));
    };
    return reports;
  }

  Started make_drivers(const std::string& amqp) {
    const orchestrator::Doors loopback{amqp, fmt::format("127.0.0.1:{}", worker_http_->port())};
    verifications_.emplace(Verifications::Parts{loop_, users_, *worker_api_, options_, loopback, run_id_});
    auto drivers =
        WorkerDrivers::make({loop_, users_, queue_parts_->hosts(), *worker_api_, loopback, folder_->container_record(),
                             [this](const std::string& worker, std::string_view line) {
                               const auto read = read_worker_output(worker, line, loop_.wall_now());
                               log::write(read);
                               logs_.add(read);
                             }},
                            options_.docker);
    if (!drivers) {
      const bool misspelt = drivers.error().kind == Error::Kind::invalid;
      return failure(misspelt ? ExitCode::usage : ExitCode::data_folder, drivers.error());
    }
    drivers_ = std::move(*drivers);
    return Done{};
  }

  api::BrokerFacts facts() {
    auto facts = queue_parts_->facts();
    facts.more_metrics = [this] {
      auto text = api::flow_metrics_text(*queues_, *dead_letters_, *deployments_, orchestrator_->status(), totals(),
                                         loop_.wall_now().time_since_epoch().count());
      if (traces_) text += api::trace_metrics_text(traces_->exporter.counts());
      return text;
    };
    facts.memory = [] { return api::MemoryFacts{io::posix::memory_use(), 0, false}; };
    return facts;
  }

  void make_orchestrator() {
    access_.emplace(users_, [this](const std::string& user) { presences_->forget(user); });
    orchestrator::Orchestrator::Settings settings;
    settings.limits.grace = options_.grace;
    settings.limits.start_timeout = options_.start_timeout;
    orchestrator::Orchestrator::Hooks hooks;
    hooks.launch = [this](const orchestrator::WorkerKey& key, const orchestrator::Credentials& credentials) {
      const auto& plan = *deployed_.worker(flow::names::step_queue(key.flow, key.version, key.step));
      return worker_launch(plan, key, credentials, run_id_, options_);
    };
    hooks.ready = [this](const orchestrator::WorkerStatus& worker) { platform_events_->worker_ready(worker); };
    hooks.ended = [this](const orchestrator::WorkerStatus& worker, bool asked_for) {
      platform_events_->worker_ended(worker, asked_for);
      if (!asked_for) logs_.add(line_about_end(worker));
    };
    hooks.started = [this](const orchestrator::WorkerStatus& worker) {
      platform_events_->worker_started(worker);
      if (!hooks_.tell_of_flows) return;
      const auto& [process_id, container] = worker.whereabouts;
      const auto place = container.empty() ? fmt::format("pid {}", process_id) : "container " + container;
      hooks_.line(fmt::format("worker   {}  {}", worker.worker.name(), place));
    };
    orchestrator_.emplace(loop_, drivers_->driver(), *access_, settings, std::move(hooks));
    users_.watch([this](const std::string& user) { loop_.post([this, user] { orchestrator_->connected(user); }); },
                 [this](const std::string& user) { loop_.post([this, user] { orchestrator_->disconnected(user); }); });
  }

  Started deploy() {
    scheduler_.emplace(loop_, *queues_);
    scheduler_->watch([this](history::Beginning beginning) { recorder_->began(std::move(beginning)); });
    if (traces_) scheduler_->trace_with(traces_->tracer);
    if (cluster_) scheduler_->lead_by([this] { return cluster_->membership.leads(); });
    deployment::Deployments::Hooks hooks;
    hooks.desire = [this](const std::vector<orchestrator::WorkerKey>& workers) {
      if (stopping_) return;
      std::exchange(recovered_, true) ? orchestrator_->set_desired(workers) : orchestrator_->recover(workers);
    };
    hooks.has_workers = [this](const std::string& flow, std::int64_t version) {
      return orchestrator_->has_workers(flow, version);
    };
    hooks.changed = [this](const deployment::Flow& flow) { platform_events_->flow_changed(flow); };
    hooks.deleted = [this](const std::string& flow) {
      platform_events_->flow_deleted(flow);
      logs_.forget(flow);
    };
    hooks.unread = [this](const std::string& queue) { platform_events_->unread(queue); };
    hooks.added = [this](const deployment::Version& version) {
      const auto& plan = version.plan;
      recorder_->serve(plan.exchange.name,
                       {plan.flow, plan.version, plan.trigger.step, plan.first_steps, plan.history});
    };
    hooks.removed = [this](const deployment::Version& version) { recorder_->withdraw(version.plan.exchange.name); };
    hooks.began = [this](history::Beginning beginning) { recorder_->began(std::move(beginning)); };
    deployments_.emplace(
        deployment::Deployments::Parts{loop_, *queues_, *store_, catalogue_, variables_, running_, *gateway_,
                                       *scheduler_, *startups_, tracer(), cluster_ ? &cluster_->membership : nullptr},
        deployed_, deployment::Demand::Settings{options_.warm, options_.worker_idle, cluster_ != nullptr},
        std::move(hooks));
    dead_letters_->watch(
        [this](const std::string& flow, std::size_t count) { deployments_->books().retried(flow, count); });
    const auto flows = store_->now<InUse>([](store::Database& database) { return store::Flows(database).in_use(); });
    if (!flows) return failure(ExitCode::data_folder, flows.error());
    for (const auto& flow : *flows) deployments_->follow(flow);
    if (cluster_) cluster_->follow({*deployments_, *startups_, credentials_->shelf, credentials_->logins});
    for (const auto& left : deployment::leftovers(*queues_, deployed_.plans())) {
      log::warning("messages that no flow reads stay on their queue",
                   {{"queue", left.queue}, {"messages", std::to_string(left.messages)}});
    }
    return Done{};
  }

  /// Those that were under way go on.
  Started begin_replays() {
    replays_.emplace(replay::Replays::Parts{loop_, *queues_, *store_, *recorder_, *deployments_, tracer(),
                                            cluster_ ? cluster_->membership.name() : std::string()});
    using Running = std::vector<store::ReplayRecord>;
    const auto running =
        store_->now<Running>([](store::Database& database) { return store::Replays(database).running(); });
    if (!running) return failure(ExitCode::data_folder, running.error());
    replays_->resume(*running);
    return Done{};
  }

  Started open_api() {
    broker_api_.emplace(queue_parts_->hosts(), facts());
    installer_.emplace(
        loop_, installed_,
        installed::EngineSettings{options_.docker.engine, options_.docker.certificates, options_.docker.config});
    inquiries_.emplace(loop_);
    installations_.emplace(*installer_, *store_, [this] { deployments_->follow_again(); });
    operations_ = api::make_operations(
        api::Services{loop_,
                      *queues_,
                      session_,
                      *store_,
                      *deployments_,
                      *gateway_,
                      *scheduler_,
                      catalogue_,
                      variables_,
                      running_,
                      *dead_letters_,
                      logs_,
                      *platform_events_,
                      installed_,
                      *installations_,
                      *inquiries_,
                      *recorder_,
                      *replays_,
                      credentials_->shelf,
                      credentials_->logins,
                      credentials_->visits,
                      credentials_->keys,
                      [this] { return redirect_url(); },
                      [this](const api::VerificationOrder& order, std::function<void(api::Verdict)> done) {
                        verifications_->start(order, std::move(done));
                      },
                      [this] {
                        auto report = status();
                        report["history"] = api::history_report(*recorder_);
                        return report;
                      },
                      [this] { return api::worker_reports(orchestrator_->status()); },
                      [this] { return cluster_ ? cluster_->report() : boost::json::array(); }});
    const api::Door::Parts parts{loop_, *store_, operations_, *broker_api_, [this] { return !stopping_; }};
    local_door_.emplace(parts, api::Door::Access::local);
    auto control = io::posix::HttpServer::listen(loop_, "unix:" + folder_->control_socket(), {}, *local_door_);
    if (!control) return failure(ExitCode::data_folder, control.error());
    control_ = std::move(*control);
    if (options_.api_address.empty()) return Done{};
    door_.emplace(parts, api::Door::Access::token);
    auto served = io::posix::HttpServer::listen(loop_, options_.api_address, {}, *door_);
    if (!served) return failure(ExitCode::listen, served.error());
    api_ = std::move(*served);
    if (cluster_) {
      cluster_->membership.set_address(fmt::format("http://{}:{}", host_of(options_.api_address), api_->port()));
    }
    hooks_.line(fmt::format("http     http://{}:{}", host_of(options_.http_address), http_->port()));
    hooks_.line(fmt::format("api      http://{}:{}", host_of(options_.api_address), api_->port()));
    return make_first_token();
  }

  Started make_first_token() {
    const auto made = first_token(*store_, folder_->first_token_file(), loop_.wall_now().time_since_epoch().count());
    if (!made) return failure(ExitCode::data_folder, made.error());
    if (*made) hooks_.line("token    " + folder_->first_token_file());
    return Done{};
  }

  void tell_of_flows() const {
    const auto host = host_of(options_.http_address);
    for (const auto& [name, flow] : deployed_.flows()) {
      if (const auto* route = gateway_->route(name); route != nullptr && flow.state == store::FlowState::running) {
        hooks_.line(fmt::format("webhook  {}  {}  http://{}:{}/{}", name, fmt::join(route->methods, ","), host,
                                http_->port(), route->path));
      }
      if (const auto trigger = scheduler_->upcoming(name)) {
        hooks_.line(fmt::format("schedule {}.{}  {}  next {}", name, trigger->step, trigger->schedule,
                                to_timestamp(trigger->next)));
      }
    }
  }

  std::string redirect_url() const {
    auto base = options_.public_url;
    while (base.ends_with('/')) base.pop_back();
    if (base.empty()) base = fmt::format("http://{}:{}", host_of(options_.http_address), http_->port());
    return base + std::string(api::AuthorizationCallback::path);
  }

  boost::json::object status() {
    auto report = api::status_report(totals(), *queues_, *dead_letters_, *deployments_, orchestrator_->status(),
                                     drivers_->report());
    if (auto rabbitmq = queue_parts_->report(); !rabbitmq.empty()) report["rabbitmq"] = std::move(rabbitmq);
    return report;
  }

  static std::string host_of(const std::string& address) {
    const auto colon = address.rfind(':');
    return colon == 0 ? "localhost" : address.substr(0, colon);
  }

  deployment::Totals totals() {
    return deployments_->books().totals(gateway_->accepted_total() + scheduler_->executions_total() +
                                        deployments_->executions_total());
  }

  void drain(std::function<void(Status)> stopped) {
    stopping_ = true;
    http_->drain([] {});
    scheduler_->stop();
    replays_->halt();
    if (cluster_) cluster_->membership.leave([] {});
    orchestrator_->stop([this, stopped = std::move(stopped)] {
      drivers_->close([this, stopped] { finish_traces([this, stopped] { queue_parts_->stop(stopped); }); });
    });
  }

  void finish_traces(std::function<void()> finished) {
    constexpr std::chrono::seconds patience{2};
    traces_ ? traces_->exporter.finish(patience, std::move(finished)) : finished();
  }

  io::posix::AsioLoop& loop_;
  const ServeOptions& options_;
  const component::Catalogue& catalogue_;
  installed::Components& installed_;
  const flow::Variables& variables_;
  const flow::Running running_;
  Hooks hooks_;
  const std::string run_id_ = random_id();
  bool stopping_ = false;
  bool recovered_ = false;  ///< what ran before this start was asked for

  std::optional<DataFolder> folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ClusterParts> cluster_;  ///< nullptr: this platform shares its store with no other
  io::posix::ThreadOffload store_offload_;
  std::unique_ptr<io::posix::PosixDisk> history_disk_;
  std::unique_ptr<history::History> history_;
  io::posix::ThreadOffload history_offload_;
  std::optional<history::Recorder> recorder_;
  std::unique_ptr<TraceParts> traces_;  ///< nullptr: none are recorded
  broker::Users users_;
  std::optional<WorkerPresences> presences_;
  std::unique_ptr<QueueParts> queue_parts_;
  broker::Queues* queues_ = nullptr;  ///< those of queue_parts_
  deployment::Deployed deployed_;
  std::optional<deployment::Startups> startups_;
  api::StepLogs logs_;
  api::Events events_;
  broker::SessionId session_;
  api::DeadLetters* dead_letters_ = nullptr;  ///< those of queue_parts_
  std::optional<api::PlatformEvents> platform_events_;

  std::unique_ptr<ObjectParts> objects_;
  std::unique_ptr<CredentialParts> credentials_;
  std::optional<gateway::Gateway> gateway_;
  std::optional<api::AuthorizationCallback> world_;
  std::unique_ptr<io::posix::HttpServer> http_;
  std::optional<api::WorkerApi> worker_api_;
  std::unique_ptr<io::posix::HttpServer> worker_http_;
  std::optional<Verifications> verifications_;
  std::unique_ptr<WorkerDrivers> drivers_;
  std::optional<BrokerAccess> access_;
  std::optional<orchestrator::Orchestrator> orchestrator_;
  std::optional<scheduler::Scheduler> scheduler_;
  std::optional<deployment::Deployments> deployments_;
  std::optional<replay::Replays> replays_;

  std::optional<api::BrokerApi> broker_api_;
  std::optional<installed::Installer> installer_;
  std::optional<api::Installations> installations_;
  std::optional<installed::Inquiries> inquiries_;
  api::Operations operations_;
  std::optional<api::Door> local_door_;
  std::unique_ptr<io::posix::HttpServer> control_;
  std::optional<api::Door> door_;
  std::unique_ptr<io::posix::HttpServer> api_;
};

Result<std::unique_ptr<Platform>, StartFailure> Platform::start(Site site, const std::vector<flow::Flow>* files,
                                                                Hooks hooks) {
  auto parts = std::make_unique<Parts>(site, std::move(hooks));
  if (auto done = parts->open_folder(); !done) return done.error();
  if (files != nullptr) {
    if (auto done = parts->import(*files); !done) return done.error();
  }
  if (auto done = parts->open_queues(); !done) return done.error();
  if (auto done = parts->listen(); !done) return done.error();
  parts->make_orchestrator();
  if (auto done = parts->deploy(); !done) return done.error();
  if (auto done = parts->begin_replays(); !done) return done.error();
  if (auto done = parts->open_api(); !done) return done.error();
  parts->platform_events_->begin();
  if (parts->hooks_.tell_of_flows) parts->tell_of_flows();
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

deployment::Totals Platform::totals() {
  return parts_->totals();
}

}  // namespace millrace::app
