#include "imports/elasticio_flow.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "installed/json_file.hpp"

namespace millrace::imports {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& from, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto* found = from.if_contains(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
  }
  return {};
}

const json::object* object_in(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_object() ? &found->get_object() : nullptr;
}

const json::array* array_in(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? &found->get_array() : nullptr;
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<std::vector<ElasticioFlow>> read(const json::value& document) {
    if (!document.is_object()) return bad("the document", "must be an object with a flow");
    const auto& root = document.get_object();
    const auto* data = root.if_contains("data");
    std::vector<ElasticioFlow> flows;
    if (data == nullptr || data->is_object()) {
      auto flow = read_flow(data == nullptr ? root : data->get_object(), data == nullptr ? "" : "data.");
      if (!flow) return flow.error();
      flows.push_back(std::move(*flow));
      return flows;
    }
    if (!data->is_array() || data->get_array().empty()) return bad("data", "must be a flow or a list of flows");
    for (std::size_t i = 0; i < data->get_array().size(); ++i) {
      const auto place = fmt::format("data[{}]", i);
      if (!data->get_array()[i].is_object()) return bad(place, "must be a flow");
      auto flow = read_flow(data->get_array()[i].get_object(), place + ".");
      if (!flow) return flow.error();
      flows.push_back(std::move(*flow));
    }
    return flows;
  }

 private:
  Error bad(const std::string& path, std::string_view what) const {
    return {Error::Kind::invalid, fmt::format("{}: {}: {}", file_, path, what)};
  }

  Result<ElasticioFlow> read_flow(const json::object& from, std::string path) {
    ElasticioFlow flow;
    flow.id = text_of(from, {"id"});
    const auto* attributes = object_in(from, "attributes");
    if (attributes != nullptr) path += "attributes.";
    const auto& said = attributes == nullptr ? from : *attributes;
    flow.name = text_of(said, {"name"});
    flow.description = text_of(said, {"description"});
    flow.cron = text_of(said, {"cron"});
    flow.is_long_running = text_of(said, {"type"}) == "long_running";
    if (const auto* configs = object_in(said, "nodes_config")) flow.configs = *configs;
    const auto* graph = object_in(said, "graph");
    if (graph == nullptr) return bad(path + "graph", "missing (is this a flow of elastic.io's API?)");
    if (auto done = read_steps(*graph, path + "graph.nodes", flow); !done) return done.error();
    if (auto done = read_edges(*graph, path + "graph.edges", flow); !done) return done.error();
    return flow;
  }

  Status read_steps(const json::object& graph, const std::string& path, ElasticioFlow& flow) {
    const auto* steps = array_in(graph, "nodes");
    if (steps == nullptr || steps->empty()) return bad(path, "must be a list of steps");
    for (std::size_t i = 0; i < steps->size(); ++i) {
      const auto place = fmt::format("{}[{}]", path, i);
      if (!(*steps)[i].is_object()) return bad(place, "must be an object");
      const auto& from = (*steps)[i].get_object();
      ElasticioFlow::Step step;
      step.id = text_of(from, {"id"});
      step.command = text_of(from, {"command"});
      if (step.id.empty()) return bad(place + ".id", "missing");
      if (flow.find(step.id) != nullptr) return bad(place + ".id", fmt::format("{} stands there twice", step.id));
      step.name = text_of(from, {"name"});
      step.description = text_of(from, {"description"});
      step.credential = text_of(from, {"secret_id", "credentials_id"});
      step.has_agent = !text_of(from, {"vpn_agent_id", "agent_id"}).empty();
      if (const auto* fields = object_in(from, "fields")) step.fields = *fields;
      flow.steps.push_back(std::move(step));
    }
    return Done{};
  }

  Status read_edges(const json::object& graph, const std::string& path, ElasticioFlow& flow) {
    const auto* edges = array_in(graph, "edges");
    if (edges == nullptr) return flow.steps.size() == 1 ? Status(Done{}) : Status(bad(path, "must be a list"));
    for (std::size_t i = 0; i < edges->size(); ++i) {
      const auto place = fmt::format("{}[{}]", path, i);
      if (!(*edges)[i].is_object()) return bad(place, "must be an object");
      const auto& from = (*edges)[i].get_object();
      ElasticioFlow::Edge edge;
      edge.source = text_of(from, {"source"});
      edge.target = text_of(from, {"target"});
      for (const auto& [member, step] : {std::pair{".source", &edge.source}, std::pair{".target", &edge.target}}) {
        if (flow.find(*step) == nullptr) return bad(place + member, fmt::format("there is no step \"{}\"", *step));
      }
      read_config(from, edge);
      flow.edges.push_back(std::move(edge));
    }
    return Done{};
  }

  static void read_config(const json::object& from, ElasticioFlow::Edge& edge) {
    const auto* config = object_in(from, "config");
    const auto& said = config == nullptr ? from : *config;
    edge.mapper_type = text_of(said, {"mapper_type"});
    if (const auto* mapper = said.if_contains("mapper")) edge.mapper = *mapper;
    edge.condition = text_of(said, {"condition"});
    if (const auto* condition = object_in(said, "condition")) edge.condition = text_of(*condition, {"expression"});
  }

  const std::string& file_;
};

}  // namespace

const ElasticioFlow::Step* ElasticioFlow::find(std::string_view step) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& one) { return one.id == step; });
  return found == steps.end() ? nullptr : &*found;
}

Result<std::vector<ElasticioFlow>> read_elasticio_flows(std::string_view text, const std::string& file) {
  const auto document = installed::parse_json(text, file);
  if (!document) return document.error();
  return Reader(file).read(*document);
}

}  // namespace millrace::imports
