#include "api/metrics.hpp"

#include <functional>

#include <fmt/format.h>

#include "api/metrics_page.hpp"
#include "broker/broker.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

using broker::QueueStatus;
using broker::Traffic;

void write_traffic(MetricsPage& page, const Traffic& traffic) {
  struct Counter {
    const char* name;
    const char* help;
    std::uint64_t Traffic::*count;
  };
  constexpr Counter counters[] = {
      {"published", "Messages that clients published", &Traffic::published},
      {"confirmed", "Publishes confirmed: on disk, synced", &Traffic::confirmed},
      {"refused", "Publishes that clients were told are not taken (basic.nack)", &Traffic::refused},
      {"returned", "Mandatory messages that no queue took (basic.return)", &Traffic::returned},
      {"delivered", "Messages given to clients, redeliveries among them", &Traffic::delivered},
      {"redelivered", "Messages given to clients once more", &Traffic::redelivered},
      {"acknowledged", "Messages that clients acknowledged or that need none", &Traffic::acknowledged},
      {"rejected", "Messages that clients rejected for good", &Traffic::rejected},
      {"requeued", "Messages that clients put back", &Traffic::requeued},
  };
  for (const auto& counter : counters) {
    const auto name = fmt::format("millrace_messages_{}_total", counter.name);
    page.single(name, "counter", counter.help, traffic.*counter.count);
  }
}

void write_connections(MetricsPage& page, const std::vector<broker::ConnectionStatus>& connections) {
  std::uint64_t channels = 0;
  std::uint64_t consumers = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t paused = 0;
  for (const auto& connection : connections) {
    channels += connection.channels.size();
    consumers += connection.consumers();
    if (connection.paused) ++paused;
    for (const auto& channel : connection.channels) unconfirmed += channel.unconfirmed;
  }
  page.single("millrace_connections", "gauge", "Client connections", connections.size());
  page.single("millrace_connections_paused", "gauge", "Of them: nothing is read for the time being", paused);
  page.single("millrace_channels", "gauge", "Channels of clients", channels);
  page.single("millrace_consumers", "gauge", "Consumers of clients", consumers);
  page.single("millrace_messages_unconfirmed", "gauge", "Publishes that wait for their confirm", unconfirmed);
}

void write_queues(MetricsPage& page, const broker::VirtualHosts& hosts) {
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const QueueStatus&);
  };
  constexpr Family families[] = {
      {"millrace_queue_messages_ready", "gauge", "Messages that wait for a consumer",
       [](const QueueStatus& q) { return q.ready; }},
      {"millrace_queue_messages_unacked", "gauge", "Messages out with consumers",
       [](const QueueStatus& q) { return q.unsettled; }},
      {"millrace_queue_consumers", "gauge", "Consumers",
       [](const QueueStatus& q) { return std::uint64_t{q.consumers}; }},
      {"millrace_queue_messages_published_total", "counter", "Messages taken in, across restarts",
       [](const QueueStatus& q) { return q.published_total; }},
      {"millrace_queue_messages_acknowledged_total", "counter", "Messages acknowledged, across restarts",
       [](const QueueStatus& q) { return q.settled_total; }},
  };
  std::vector<std::pair<std::string, QueueStatus>> queues;  // labels, status
  for (const auto& [host, broker] : hosts.all()) {
    for (auto& queue : broker.get().queues()) {
      auto labels = fmt::format("vhost=\"{}\",queue=\"{}\"", escaped_label(host), escaped_label(queue.name));
      queues.emplace_back(std::move(labels), std::move(queue));
    }
  }
  page.single("millrace_queues", "gauge", "Queues", queues.size());
  for (const auto& family : families) {
    page.family(family.name, family.type, family.help);
    for (const auto& [labels, queue] : queues) page.sample(labels, family.value(queue));
  }
}

void write_sync_times(MetricsPage& page, const std::vector<LogFacts>& logs) {
  using io::posix::SyncTimes;
  page.family("millrace_log_sync_duration_seconds", "histogram", "How long syncs of the log took");
  for (const auto& log : logs) {
    if (log.sync_times == nullptr) continue;
    const auto host = fmt::format("vhost=\"{}\"", escaped_label(log.host));
    std::uint64_t count = 0;
    for (std::size_t bucket = 0; bucket <= SyncTimes::bounds.size(); ++bucket) {
      count += log.sync_times->count(bucket);
      const auto bound = bucket < SyncTimes::bounds.size() ? fmt::format("{}", SyncTimes::bounds[bucket]) : "+Inf";
      page.sample(fmt::format("{},le=\"{}\"", host, bound), count, "_bucket");
    }
    page.sample(host, log.sync_times->sum_seconds(), "_sum");
    page.sample(host, count, "_count");
  }
}

void write_logs(MetricsPage& page, const std::vector<LogFacts>& logs) {
  const auto gauge = [&](std::string_view name, std::string_view help, const auto& value) {
    page.family(name, "gauge", help);
    for (const auto& log : logs)
      page.sample(fmt::format("vhost=\"{}\"", escaped_label(log.host)), std::invoke(value, log));
  };
  const auto is = [](broker::StorageState state) {
    return [state](const LogFacts& log) { return log.state == state ? 1 : 0; };
  };
  gauge("millrace_log_bytes", "Size of the log on disk", &LogFacts::bytes);
  gauge("millrace_log_files", "Files of the log", &LogFacts::files);
  gauge("millrace_disk_free_bytes", "What may still be written to the log's disk", &LogFacts::free_bytes);
  gauge("millrace_log_full", "1 while the log waits for space on its disk", is(broker::StorageState::full));
  gauge("millrace_log_failed", "1 from a failed write or sync on: nothing is stored until a restart",
        is(broker::StorageState::failed));
  write_sync_times(page, logs);
}

}  // namespace

std::string escaped_label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

std::string metrics_text(const broker::VirtualHosts& hosts, const BrokerFacts& facts) {
  MetricsPage page;
  write_connections(page, facts.connections());
  write_traffic(page, facts.traffic());
  write_queues(page, hosts);
  write_logs(page, facts.logs());
  const auto memory = facts.memory();
  page.single("millrace_memory_allocated_bytes", "gauge", "Memory in use", memory.use.allocated);
  page.single("millrace_memory_limit_bytes", "gauge", "Memory in use beyond which publishers wait; 0: no limit",
              memory.limit);
  page.single("millrace_publishing_held", "gauge", "1 while publishers wait for memory",
              memory.publishing_held ? 1 : 0);
  page.single("process_resident_memory_bytes", "gauge", "Resident memory size in bytes", memory.use.resident);
  if (facts.more_metrics) page.text += facts.more_metrics();
  return page.text;
}

io::posix::HttpResponse metrics_answer(const broker::VirtualHosts& hosts, const BrokerFacts& facts) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(hosts, facts), {}};
}

void MetricsApi::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  using io::posix::problem;
  if (request.path != "/metrics") return respond(problem(404, "Not found", "GET /metrics is all there is"));
  if (request.method != "GET") return respond(problem(405, "Method not allowed", "GET is wanted"));
  respond(metrics_answer(hosts_, facts_));
}

}  // namespace millrace::api
