#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/commands.hpp"
#include "core/time/timestamp.hpp"
#include "io/loop.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string text(const json::object& of, std::string_view name) {
  return std::string(of.at(name).as_string());
}

std::int64_t number(const json::object& of, std::string_view name) {
  return of.at(name).to_number<std::int64_t>();
}

void print_worker(const json::object& worker) {
  fmt::print("  worker {:<32} {:<9}", text(worker, "name"), text(worker, "phase"));
  if (number(worker, "pid") != 0) fmt::print(" pid {}", number(worker, "pid"));
  if (const auto* container = worker.if_contains("container")) {
    fmt::print(" container {}", std::string(container->as_string()));
  }
  if (const auto* wait = worker.if_contains("starts_in_ms")) {
    fmt::print(" starts in {} ms", wait->to_number<std::int64_t>());
  }
  if (number(worker, "crashes") > 0) fmt::print("  crashed {} times", number(worker, "crashes"));
  if (const auto* end = worker.if_contains("last_end")) fmt::print("  last: {}", text(end->as_object(), "reason"));
  fmt::print("\n");
}

void print_parked(const json::object& parked) {
  const auto time = [&](const char* name) {
    return to_timestamp(io::WallTime(std::chrono::milliseconds(number(parked, name))));
  };
  fmt::print("         {} since {}: {}; {} wait", text(parked, "state"), time("since"), text(parked, "reason"),
             number(parked, "waiting"));
  if (!parked.at("next_try").is_null()) fmt::print("; tried again {}", time("next_try"));
  if (!parked.at("rate").is_null()) fmt::print("; {:.1f} a second", parked.at("rate").to_number<double>());
  if (!parked.at("done_at").is_null()) fmt::print("; through {}", time("done_at"));
  fmt::print("\n");
}

void print_step(const json::object& step) {
  fmt::print("  step   {:<32} waiting {}  in work {}  retrying {}", text(step, "id"), number(step, "waiting"),
             number(step, "in_work"), number(step, "retrying"));
  const auto& instances = step.at("instances").as_object();
  fmt::print("  instances {}/{}", number(instances, "connected"), number(instances, "wanted"));
  if (!instances.at("by_hand").is_null()) fmt::print(" (set by hand)");
  fmt::print("\n");
  if (const auto& parked = step.at("parked"); parked.is_object()) print_parked(parked.as_object());
}

void print_engine(const json::object& engine) {
  const auto* trouble = engine.if_contains("trouble");
  if (trouble == nullptr) return fmt::print("containers on {}\n", text(engine, "address"));
  const auto& why = trouble->as_object();
  const auto since = io::WallTime(std::chrono::milliseconds(number(why, "since")));
  fmt::print("containers cannot be looked after since {}: {}\n", to_timestamp(since), text(why, "reason"));
}

void print_rabbitmq(const json::object& rabbitmq) {
  const auto since = to_timestamp(io::WallTime(std::chrono::milliseconds(number(rabbitmq, "since"))));
  const auto* trouble = rabbitmq.if_contains("trouble");
  if (trouble == nullptr) return fmt::print("queues in RabbitMQ, connected since {}\n", since);
  fmt::print("RabbitMQ takes nothing since {}: {}; {} messages wait for it here\n", since, text(rabbitmq, "trouble"),
             number(rabbitmq, "waiting"));
}

/// accepted = what became of it; what retries is in flight.
void print_balance(const json::object& of) {
  const auto* kept = of.if_contains("balance");
  if (kept == nullptr) return;
  const auto& balance = kept->as_object();
  fmt::print("  messages accepted {} = done {} + filtered {} + dead {} + dropped {} + in flight {}\n",
             number(balance, "accepted"), number(balance, "done"), number(balance, "filtered"), number(balance, "dead"),
             number(balance, "dropped"), number(balance, "in_flight"));
}

void print_report(const json::object& status) {
  fmt::print("accepted {}  in flight {}  done {}  retrying {}  dead {}\n", number(status, "accepted"),
             number(status, "in_flight"), number(status, "done"), number(status, "retrying"), number(status, "dead"));
  const auto& history = status.at("history").as_object();
  fmt::print("history: {} records, {} dropped, {} MB on disk\n", number(history, "recorded"),
             number(history, "dropped"), number(history, "bytes") / 1'000'000);
  if (const auto* rabbitmq = status.if_contains("rabbitmq")) print_rabbitmq(rabbitmq->as_object());
  if (const auto* engine = status.if_contains("engine")) print_engine(engine->as_object());
  for (const auto& entry : status.at("flows").as_array()) {
    const auto& flow = entry.as_object();
    fmt::print("\nflow {}  dead letters {}\n", text(flow, "name"), number(flow, "dead_letters"));
    print_balance(flow);
    for (const auto& item : flow.at("steps").as_array()) {
      print_step(item.as_object());
    }
    for (const auto& item : status.at("workers").as_array()) {
      if (text(item.as_object(), "flow") == text(flow, "name")) print_worker(item.as_object());
    }
  }
  for (const auto& item : status.at("leftovers").as_array()) {
    const auto& left = item.as_object();
    fmt::print("\nleft over: {} messages on queue {}, which no loaded flow reads\n", number(left, "messages"),
               text(left, "queue"));
  }
}

}  // namespace

int show_status(const StatusOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto status = client.ask({.target = "/v1/status"});
    if (!status) return status.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(status->body));
    } else {
      print_report(status->body.as_object());
    }
    return Done{};
  });
}

}  // namespace millrace::app
