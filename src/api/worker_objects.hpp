#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.hpp"
#include "io/posix/http_server.hpp"
#include "objects/keys.hpp"
#include "objects/objects.hpp"

namespace millrace::api {

/// The object storage of installed components, as elastic.io's client asks for it (npm @elastic.io/maester-client
/// 6.0.0, StorageClient.js), with a token of the flow (objects::Keys) as "Bearer":
///
///   POST /objects                    201 {"objectId"}; content-type, x-eio-ttl (seconds), up to 5 x-query-*, x-meta-*
///   GET|PUT|DELETE /objects/{id}     the bytes; 200 {"objectId"}; 204
///   GET|DELETE /objects?query[k]=v   what has these x-query-*: 200 and an array; 204
///
/// 401 without a token that is good; 404 for what is not there, or is another flow's; 413 above object_size_max; 507
/// when there is no room. Bodies go to the disk and come from it piece by piece. All parts outlive it; nothing blocks.
class WorkerObjects {
 public:
  static constexpr std::uint64_t object_size_max = 1u << 30;  ///< bytes

  struct Parts {
    io::Loop& loop;
    io::Offload& offload;  ///< where `objects` is used
    objects::Objects& objects;
    const objects::Keys& keys;
    std::function<std::vector<std::string>()> flows;  ///< those there are
  };
  explicit WorkerObjects(Parts parts) : parts_(std::move(parts)) {}

  static bool is_meant(const io::posix::HttpRequest& head);
  static std::uint64_t body_max(const io::posix::HttpRequest& head);
  std::shared_ptr<io::posix::HttpBodySink> sink(const io::posix::HttpRequest& head) const;
  void handle(io::posix::HttpRequest request, const io::posix::Respond& respond) const;

  objects::Access access(const std::string& flow) const { return parts_.keys.access(flow); }

 private:
  class Sink;
  std::string flow_of(const io::posix::HttpRequest& head) const;
  void answer(const io::posix::HttpRequest& request, const std::string& flow, const io::posix::Respond& respond) const;
  void get(const std::string& flow, const std::string& id, std::uint64_t size_max,
           const io::posix::Respond& respond) const;
  void select(const io::posix::HttpRequest& request, const std::string& flow, const io::posix::Respond& respond) const;
  std::int64_t now() const { return parts_.loop.wall_now().time_since_epoch().count(); }

  Parts parts_;
};

}  // namespace millrace::api
