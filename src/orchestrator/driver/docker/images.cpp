#include "orchestrator/driver/docker/images.hpp"

#include <memory>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/pchars.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

namespace millrace::orchestrator::docker {
namespace json = boost::json;
namespace {

constexpr auto of_a_path = boost::urls::pchars + '/';

std::string encoded(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

/// A pull's progress as it comes, one JSON object a line; only what went wrong is kept.
class PullLines {
 public:
  void take(std::string_view piece) {
    for (const char c : piece) {
      if (c == '\n') {
        line();
      } else if (partial_.size() < line_size_max) {
        partial_ += c;
      }
    }
  }
  std::string fault() {
    line();
    return fault_;
  }

 private:
  static constexpr std::size_t line_size_max = 64 * 1024;

  void line() {
    boost::system::error_code failed;
    const auto document = json::parse(partial_, failed);
    partial_.clear();
    if (failed || !document.is_object()) return;
    const auto* error = document.get_object().if_contains("error");
    if (error != nullptr && error->is_string()) fault_ = std::string(error->get_string());
  }

  std::string partial_;
  std::string fault_;
};

Result<Image> read_image(const std::string& text) {
  boost::system::error_code failed;
  const auto document = json::parse(text, failed);
  const auto* id = failed || !document.is_object() ? nullptr : document.get_object().if_contains("Id");
  if (id == nullptr || !id->is_string()) {
    return Error{Error::Kind::unavailable, "the engine's account of an image cannot be read"};
  }
  Image image{std::string(id->get_string()), {}};
  const auto* user = document.find_pointer("/Config/User", failed);
  if (user != nullptr && user->is_string()) image.user = std::string(user->get_string());
  return image;
}

}  // namespace

std::string pull_query(std::string_view image) {
  const auto at = image.find('@');
  if (at != std::string_view::npos) return "fromImage=" + encoded(image);
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  const auto name = tagged ? image.substr(0, colon) : image;
  return "fromImage=" + encoded(name) + "&tag=" + (tagged ? encoded(image.substr(colon + 1)) : "latest");
}

void Images::look(const std::string& api, const std::string& name, Found found) {
  engine_.call({.path = fmt::format("{}/images/{}/json", api, boost::urls::encode(name, of_a_path))},
               [name, found = std::move(found)](const Result<EngineAnswer>& answer) {
                 if (!answer) return found(answer.error());
                 if (answer->ok()) return found(read_image(answer->body));
                 const auto kind = answer->status == 404 ? Error::Kind::not_found : Error::Kind::unavailable;
                 found(Error{kind, fmt::format("image {}: {}", name, answer->message())});
               });
}

void Images::find(const std::string& api, const std::string& name, Found found) {
  look(api, name, [this, api, name, found = std::move(found)](Result<Image> image) {
    if (image || image.error().kind != Error::Kind::not_found) return found(std::move(image));
    if (name.find('/') == std::string::npos) {
      return found(
          Error{Error::Kind::not_found,
                fmt::format("image {} is not on the engine, and is not pulled: its name has no registry (make it "
                            "there; `./dev image` makes the one with Millrace's own components)",
                            name)});
    }
    auto& waiting = pulls_[name];
    waiting.push_back(found);
    if (waiting.size() == 1) pull(api, name);
  });
}

void Images::pull(const std::string& api, const std::string& name) {
  auto login = logins_.header_for(name);
  if (!login) {
    for (const auto& found : std::exchange(pulls_[name], {})) found(login.error());
    return;
  }
  const auto lines = std::make_shared<PullLines>();
  EngineCall call;
  call.method = "POST";
  call.path = fmt::format("{}/images/create?{}", api, pull_query(name));
  call.timeout = std::chrono::milliseconds(0);
  const auto without =
      login->empty() ? fmt::format(" (without a login for {}: {})", registry_of(name), logins_.place()) : std::string();
  call.registry_login = std::move(*login);
  call.on_body = [lines](std::string_view piece) { lines->take(piece); };
  engine_.call(std::move(call), [this, api, name, lines, without](const Result<EngineAnswer>& answer) {
    const auto waiting = std::move(pulls_[name]);
    pulls_.erase(name);
    const auto tell = [waiting](const Result<Image>& image) {
      for (const auto& found : waiting) found(image);
    };
    if (!answer) return tell(answer.error());
    const auto fault = answer->ok() ? lines->fault() : answer->message();
    if (fault.empty()) return look(api, name, tell);
    tell(Error{Error::Kind::not_found,
               fmt::format("image {} is not on the engine and cannot be pulled: {}{}", name, fault, without)});
  });
}

}  // namespace millrace::orchestrator::docker
