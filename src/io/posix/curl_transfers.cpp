#define CURL_DISABLE_TYPECHECK
#include "io/posix/curl_transfers.hpp"

#include <unordered_map>

#include "io/posix/curl_multi.hpp"
#include "io/posix/curl_transfer.hpp"

namespace millrace::io::posix {

class CurlTransfers::State {
 public:
  State(AsioLoop& loop, const CurlLibrary& curl)
      : curl_(curl), multi_(loop, curl, [this](CURL* easy, CURLcode code) { ended(easy, code); }) {}

  ~State() {
    // libcurl ends a mail that is taken from it with the line that says it is whole: half of it would be delivered.
    multi_.cut();
    for (auto& [easy, transfer] : under_way_) {
      multi_.remove(easy);
      curl_.curl_easy_cleanup(easy);
      transfer->release(curl_);
    }
    for (CURL* easy : idle_) curl_.curl_easy_cleanup(easy);
  }

  void start(std::unique_ptr<CurlTransfer> transfer) {
    CURL* easy = nullptr;
    if (idle_.empty()) {
      easy = curl_.curl_easy_init();
      MILLRACE_CHECK(easy != nullptr, "curl_easy_init");
    } else {
      easy = idle_.back();
      idle_.pop_back();
    }
    multi_.prepare(easy);
    transfer->set_up(curl_, easy);
    under_way_.emplace(easy, std::move(transfer));
    multi_.add(easy);
  }

 private:
  static constexpr std::size_t idle_max = 64;

  void ended(CURL* easy, CURLcode code) {
    const auto found = under_way_.find(easy);
    MILLRACE_CHECK(found != under_way_.end(), "a curl handle ended that was not under way");
    const auto transfer = std::move(found->second);
    under_way_.erase(found);
    auto tell = transfer->outcome(curl_, easy, code);
    curl_.curl_easy_reset(easy);
    transfer->release(curl_);
    if (idle_.size() < idle_max) {
      idle_.push_back(easy);
    } else {
      curl_.curl_easy_cleanup(easy);
    }
    tell();
  }

  const CurlLibrary& curl_;
  CurlMulti multi_;
  std::unordered_map<CURL*, std::unique_ptr<CurlTransfer>> under_way_;
  std::vector<CURL*> idle_;
};

CurlTransfers::CurlTransfers(std::unique_ptr<State> state) : state_(std::move(state)) {}
CurlTransfers::~CurlTransfers() = default;

Result<std::unique_ptr<Transfers>> CurlTransfers::make(AsioLoop& loop) {
  auto curl = CurlLibrary::load();
  if (!curl) return curl.error();
  return std::unique_ptr<Transfers>(new CurlTransfers(std::make_unique<State>(loop, **curl)));
}

void CurlTransfers::http(HttpCall call, HttpDone done) {
  state_->start(make_http_transfer(std::move(call), std::move(done)));
}

void CurlTransfers::mail(MailCall call, MailDone done) {
  state_->start(make_mail_transfer(std::move(call), std::move(done)));
}

}  // namespace millrace::io::posix
