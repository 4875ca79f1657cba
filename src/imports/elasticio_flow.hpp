#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "core/result.hpp"

namespace millrace::imports {

/// A flow as elastic.io's API v2 gives it (https://api.elastic.io/v2/docs/#flows): the part of it that means something
/// here.
struct ElasticioFlow {
  struct Step {  // a "node" of the graph
    std::string id;
    std::string command;  ///< "elasticio/timer:timer@latest"
    std::string name;
    std::string description;
    std::string credential;  ///< id of its credentials or secret; empty: it has none
    bool has_agent = false;  ///< it reaches its target over a VPN agent
    boost::json::object fields;
  };
  struct Edge {
    std::string source;
    std::string target;
    std::string mapper_type;         ///< empty: jsonata
    boost::json::value mapper = {};  ///< fields → expressions; null: none
    std::string condition = {};      ///< JSONata; empty: always
  };

  std::string id;
  std::string name;
  std::string description;
  std::string cron;
  bool is_long_running = false;
  std::vector<Step> steps;
  std::vector<Edge> edges;
  boost::json::object configs;  ///< "nodes_config": by step, prefetch, replicas …

  const Step* find(std::string_view step) const;
};

/// The flows of a document: {"data": …} with one or a list of them, or what is below data or attributes alone.
/// `file` is how errors call it; they name line or path.
Result<std::vector<ElasticioFlow>> read_elasticio_flows(std::string_view text, const std::string& file);

}  // namespace millrace::imports
