#pragma once

#include "core/result.hpp"
#include "gateway/guard.hpp"
#include "io/loop.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::gateway {

/// Whether the caller has shown what the guard asks for. Error::permission says what is missing, never what was
/// expected. Comparisons take constant time. hmac is Standard Webhooks, https://www.standardwebhooks.com: HMAC-SHA256
/// over "<webhook-id>.<webhook-timestamp>.<body>", any of several "v1,<base64>" signatures.
Status authenticate(const Guard& guard, const io::posix::HttpRequest& request, io::WallTime now);

/// The caller's side of it, for tests of flows: adds the headers that authenticate() asks for. A header that is there
/// already stays as it is.
void authorize(const Guard& guard, io::posix::HttpRequest& request, io::WallTime now);

}  // namespace millrace::gateway
