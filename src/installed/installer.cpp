#include "installed/installer.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "hosting/sailor/preload.hpp"
#include "installed/command.hpp"
#include "installed/npm.hpp"

namespace millrace::installed {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes command_time_max{15};
constexpr std::size_t shown_max = 4'000;  ///< bytes of a command's output in an error

/// The folder as it is, but for the history of its repository.
Status copy_tree(const std::string& from, const std::string& to) {
  std::error_code failed;
  if (!fs::is_directory(from, failed)) {
    return Error{Error::Kind::not_found, fmt::format("there is no folder {} on the platform's machine", from)};
  }
  if (!fs::exists(fs::path(from) / "component.json", failed)) {
    return Error{Error::Kind::not_found,
                 fmt::format("there is no component.json in {} (it says what a component offers; is this the "
                             "component's own folder?)",
                             from)};
  }
  for (const auto& entry : fs::directory_iterator(from, failed)) {
    if (entry.path().filename() == ".git" || entry.path().filename() == ".millrace.json") continue;
    fs::copy(entry.path(), fs::path(to) / entry.path().filename(),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks, failed);
    if (failed)
      return Error{Error::Kind::io, fmt::format("cannot copy {}: {}", entry.path().string(), failed.message())};
  }
  if (failed) return Error{Error::Kind::io, fmt::format("cannot read {}: {}", from, failed.message())};
  return Done{};
}

/// The one .tgz file in a folder.
Result<std::string> package_file(const std::string& folder) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".tgz") return entry.path().string();
  }
  return Error{Error::Kind::not_found, "npm pack made no file"};
}

std::string tail(std::string output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == ' ')) output.pop_back();
  if (output.size() <= shown_max) return output;
  const auto line = output.find('\n', output.size() - shown_max);
  return "…\n" + output.substr(line == std::string::npos ? output.size() - shown_max : line + 1);
}

}  // namespace

/// One installation, from its order to its end.
class Installer::Run : public std::enable_shared_from_this<Run> {
 public:
  Run(Installer& owner, Order order, Told told, Finished finished)
      : owner_(owner), order_(std::move(order)), told_(std::move(told)), finished_(std::move(finished)) {}

  ~Run() {
    std::error_code ignored;  // What cannot be deleted now is swept at the next start.
    if (!staging_.empty()) fs::remove_all(staging_, ignored);
  }

  void begin() {
    if (!order_.name.empty()) {
      if (auto free = owner_.components_.is_free(order_.name, order_.replace); !free) return fail(free.error());
    }
    auto staging = owner_.components_.make_staging();
    if (!staging) return fail(staging.error());
    staging_ = std::move(*staging);
    switch (order_.source.kind) {
      case Source::Kind::folder:
        return copy();
      case Source::Kind::npm:
        return fetch();
      case Source::Kind::image:
        return unpack();
    }
  }

 private:
  void copy() {
    told_("copying");
    elsewhere([from = order_.source.what, to = staging_] { return copy_tree(from, to); }, &Run::have_files);
  }

  void fetch() {
    told_("fetching");
    run(npm_pack(order_.source.what, staging_), [this] {
      auto file = package_file(staging_);
      if (!file) return fail(file.error());
      run({"tar", "-xzf", *file, "--strip-components=1", "--no-same-owner"}, [this, file = *file] {
        std::error_code ignored;
        fs::remove(file, ignored);
        have_files();
      });
    });
  }

  void unpack() {
    told_("reading the image");
    const auto tar = staging_ + "/.image.tar";
    const auto& image = order_.source.what;
    owner_.images_.fetch(image, tar, [weak = weak_from_this(), tar](const Result<ImageFiles::Fetched>& fetched) {
      const auto self = weak.lock();
      if (!self) return;
      if (!fetched) return self->fail(fetched.error());
      if (fetched->is_worker) self->image_folder_ = fetched->folder;
      self->run({"tar", "-xf", tar, "--strip-components=1", "--no-same-owner"}, [self = self.get(), tar] {
        std::error_code ignored;
        fs::remove(tar, ignored);
        self->have_files();
      });
    });
  }

  void have_files() {
    auto file = read_component_file(staging_, Files::schemas_only);
    if (!file) return fail(file.error());
    if (auto named = choose_name(); !named) return fail(named.error());
    file_ = std::move(*file);
    auto commands = npm_commands(staging_, file_, order_.scripts);
    if (!commands) return fail(commands.error());
    commands_ = std::move(*commands);
    next_command();
  }

  Status choose_name() {
    name_ = order_.name;
    if (name_.empty()) name_ = component_name(read_package(staging_).name);
    if (name_.empty()) name_ = component_name(order_.source.what);
    return owner_.components_.is_free(name_, order_.replace);
  }

  void next_command() {
    if (commands_.words.empty()) return complete();
    auto words = std::move(commands_.words.front());
    commands_.words.erase(commands_.words.begin());
    told_(words.front() == "npm" ? "installing packages" : "building");
    run(std::move(words), [this] { next_command(); });
  }

  void complete() {
    if (auto checked = check_packages(staging_, file_); !checked) return fail(checked.error());
    if (file_.command.empty()) {
      if (auto written = hosting::sailor::write_preload(staging_); !written) return fail(written.error());
    }
    if (auto file = read_component_file(staging_, Files::all); !file) return fail(file.error());
    Record record;
    record.source = order_.source.text();
    record.version = read_package(staging_).version;
    if (record.version.empty()) record.version = file_.version;
    record.installed_at = owner_.loop_.wall_now().time_since_epoch().count();
    record.environment = order_.environment;
    if (!image_folder_.empty()) record.image = order_.source.what;
    record.image_folder = image_folder_;
    if (auto written = write_record(staging_, record); !written) return fail(written.error());
    told_("putting in place");
    elsewhere([folder = staging_] { return sync_folder(folder); }, &Run::put_in_place);
  }

  void put_in_place() {
    auto added = owner_.components_.add(name_, staging_, order_.replace);
    if (!added) return fail(added.error());
    staging_.clear();
    owner_.offload().run([folder = owner_.components_.folder()] { delete_removed(folder); }, [] {});
    finish(*added);
  }

  void run(std::vector<std::string> words, std::function<void()> next) {
    auto line = fmt::format("{}", fmt::join(words, " "));
    const bool locked = words.size() > 1 && words[0] == "npm" && words[1] == "ci";
    CommandSpec spec{.folder = staging_, .words = std::move(words), .time_max = command_time_max};
    command_ = std::make_unique<Command>(
        owner_.loop_, std::move(spec), [this, locked, line = std::move(line), next = std::move(next)](CommandEnd end) {
          if (end.why.empty()) return next();
          // A lock file that does not fit package.json binds nobody.
          if (locked && end.output.find("in sync") != std::string::npos) {
            return run(npm_install(commands_.builds, order_.scripts), next);
          }
          const bool absent = end.why.ends_with("is not installed");
          fail({Error::Kind::unavailable,
                fmt::format("`{}` failed: {}{}", line, end.why, absent ? "" : "\n" + tail(std::move(end.output)))});
        });
  }

  void elsewhere(std::function<Status()> work, void (Run::*next)()) {
    auto status = std::make_shared<Status>(Done{});
    owner_.offload().run([work = std::move(work), status] { *status = work(); },
                         [weak = weak_from_this(), status, next] {
                           const auto self = weak.lock();
                           if (!self) return;
                           if (!*status) return self->fail(status->error());
                           (self.get()->*next)();
                         });
  }

  void fail(const Error& error) { finish(error); }

  void finish(Result<const Installation*> result) {
    // Posted: the command that led here may be under way still.
    owner_.loop_.post([self = shared_from_this(), &owner = owner_, result = std::move(result)] {
      self->command_.reset();
      std::erase_if(owner.runs_, [&](const auto& entry) { return entry.second == self; });
      self->finished_(result);
    });
  }

  Installer& owner_;
  Order order_;
  Told told_;
  Finished finished_;
  std::string staging_;
  std::string name_;
  std::string image_folder_;  ///< of an image that is the image of its workers
  ComponentFile file_;
  Commands commands_;
  std::unique_ptr<Command> command_;
};

Installer::Installer(io::posix::AsioLoop& loop, Components& components, EngineSettings engine)
    : loop_(loop), components_(components), images_(loop, std::move(engine)) {}

Installer::~Installer() = default;

io::Offload& Installer::offload() {
  if (!offload_) offload_.emplace(loop_);
  return *offload_;
}

void Installer::install(Order order, Told told, Finished finished) {
  auto run = std::make_shared<Run>(*this, std::move(order), std::move(told), std::move(finished));
  runs_[++last_run_] = run;
  run->begin();
}

Status Installer::remove(const std::string& name) {
  if (auto removed = components_.remove(name); !removed) return removed;
  offload().run([folder = components_.folder()] { delete_removed(folder); }, [] {});
  return Done{};
}

}  // namespace millrace::installed
