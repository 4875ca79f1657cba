#include "installed/image_files.hpp"

#include <fstream>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "orchestrator/driver/docker/curl_engine.hpp"
#include "orchestrator/driver/docker/images.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
namespace docker = orchestrator::docker;

constexpr std::chrono::minutes copy_time_max{10};

std::string encoded(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

Error refused(std::string_view what, const docker::EngineAnswer& answer) {
  return {Error::Kind::unavailable, fmt::format("{}: {}", what, answer.message())};
}

/// What an engine tells of an image (`GET /images/{name}/json`).
Result<ImageFiles::Fetched> read_image(const std::string& image, const std::string& text) {
  boost::system::error_code failed;
  const auto document = json::parse(text, failed);
  const auto at = [&](const char* path) -> const json::value* {
    boost::system::error_code absent;
    return failed ? nullptr : document.find_pointer(path, absent);
  };
  ImageFiles::Fetched found;
  if (const auto* folder = at("/Config/WorkingDir"); folder != nullptr && folder->is_string()) {
    found.folder = std::string(folder->get_string());
  }
  if (found.folder.empty() || found.folder == "/") {
    return Error{Error::Kind::invalid,
                 fmt::format("the image {} has no working directory, where its component.json would be (WORKDIR in its "
                             "Dockerfile)",
                             image)};
  }
  const auto* entry = at("/Config/Entrypoint/0");
  found.is_worker =
      entry != nullptr && entry->is_string() && std::string_view(entry->get_string()).ends_with("millrace");
  return found;
}

}  // namespace

struct ImageFiles::Engine {
  Engine(io::posix::AsioLoop& loop, docker::EngineAddress address, std::string config)
      : engine(loop, std::move(address)), images(engine, docker::RegistryLogins(std::move(config))) {}

  docker::CurlEngine engine;
  docker::Images images;
};

/// One image, from its name to its files.
struct ImageFiles::Fetching : std::enable_shared_from_this<Fetching> {
  Fetching(Engine& its_engine, std::string its_image, const std::string& tar_file, Done told)
      : engine(its_engine), image(std::move(its_image)), out(tar_file, std::ios::binary), done(std::move(told)) {}

  void begin() {
    engine.images.find("", image, [self = shared_from_this()](const Result<docker::Image>& there) {
      if (!there) return self->done(there.error());
      self->inspect();
    });
  }

  void ask(docker::EngineCall call, void (Fetching::*next)(const docker::EngineAnswer&)) {
    engine.engine.call(std::move(call), [self = shared_from_this(), next](const Result<docker::EngineAnswer>& answer) {
      if (!answer) return self->end(answer.error());
      (self.get()->*next)(*answer);
    });
  }

  void inspect() { ask({.path = fmt::format("/images/{}/json", image)}, &Fetching::inspected); }

  void inspected(const docker::EngineAnswer& answer) {
    if (!answer.ok()) return end(refused("the engine cannot show the image " + image, answer));
    auto read = read_image(image, answer.body);
    if (!read) return end(read.error());
    found = std::move(*read);
    // Never started; but an engine makes none without something to start.
    const json::object body{{"Image", image}, {"Entrypoint", {"true"}}, {"Cmd", {"true"}}};
    ask({.method = "POST", .path = "/containers/create", .body = json::serialize(body)}, &Fetching::created);
  }

  void created(const docker::EngineAnswer& answer) {
    boost::system::error_code failed;
    const auto document = json::parse(answer.body, failed);
    const auto* id = failed || !document.is_object() ? nullptr : document.get_object().if_contains("Id");
    if (!answer.ok() || id == nullptr) return end(refused("the engine makes no container of " + image, answer));
    container = std::string(id->as_string());
    docker::EngineCall call{.path = fmt::format("/containers/{}/archive?path={}", container, encoded(found.folder)),
                            .timeout = copy_time_max};
    call.on_body = [self = shared_from_this()](std::string_view piece) {
      self->out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    };
    ask(std::move(call), &Fetching::copied);
  }

  void copied(const docker::EngineAnswer& answer) {
    out.close();
    if (!answer.ok())
      return end(refused(fmt::format("{} of the image {} cannot be read", found.folder, image), answer));
    if (!out) return end(Error{Error::Kind::io, "the files of the image cannot be written"});
    end(found);
  }

  /// The container goes; whether it went, matters to nobody here.
  void end(const Result<Fetched>& result) {
    if (container.empty()) return done(result);
    engine.engine.call(
        {.method = "DELETE", .path = fmt::format("/containers/{}?force=1&v=1", container)},
        [self = shared_from_this(), result](const Result<docker::EngineAnswer>&) { self->done(result); });
  }

  Engine& engine;
  std::string image;
  std::ofstream out;
  Done done;
  Fetched found = {};
  std::string container = {};
};

ImageFiles::ImageFiles(io::posix::AsioLoop& loop, EngineSettings settings)
    : loop_(loop), settings_(std::move(settings)) {}
ImageFiles::~ImageFiles() = default;

void ImageFiles::fetch(const std::string& image, const std::string& tar_file, Done done) {
  if (!engine_) {
    auto address = docker::EngineAddress::parse(settings_.address, settings_.certificates);
    if (!address) return loop_.post([done = std::move(done), error = address.error()] { done(error); });
    engine_ = std::make_unique<Engine>(loop_, std::move(*address), settings_.config);
  }
  std::make_shared<Fetching>(*engine_, image, tar_file, std::move(done))->begin();
}

}  // namespace millrace::installed
