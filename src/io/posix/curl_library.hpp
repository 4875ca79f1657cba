#pragma once

#include <curl/curl.h>

#include "core/result.hpp"

namespace millrace::io::posix {

/// libcurl, loaded when a process first needs it: linking it would cost every worker 3 MB and 9 ms at start for the
/// thirty libraries it brings along. The members have libcurl's own names and signatures.
struct CurlLibrary {
#define MILLRACE_CURL_FUNCTIONS(X) \
  X(curl_global_init)              \
  X(curl_easy_init)                \
  X(curl_easy_setopt)              \
  X(curl_easy_getinfo)             \
  X(curl_easy_cleanup)             \
  X(curl_easy_reset)               \
  X(curl_easy_strerror)            \
  X(curl_multi_init)               \
  X(curl_multi_setopt)             \
  X(curl_multi_add_handle)         \
  X(curl_multi_remove_handle)      \
  X(curl_multi_socket_action)      \
  X(curl_multi_info_read)          \
  X(curl_multi_cleanup)            \
  X(curl_slist_append)             \
  X(curl_slist_free_all)           \
  X(curl_mime_init)                \
  X(curl_mime_free)                \
  X(curl_mime_addpart)             \
  X(curl_mime_data)                \
  X(curl_mime_type)                \
  X(curl_mime_filename)            \
  X(curl_mime_encoder)             \
  X(curl_mime_headers)             \
  X(curl_mime_subparts)

#define MILLRACE_CURL_MEMBER(name) decltype(&::name) name = nullptr;
  MILLRACE_CURL_FUNCTIONS(MILLRACE_CURL_MEMBER)
#undef MILLRACE_CURL_MEMBER

  /// Loads and initialises it, once for the process; Error::unsupported if it is not installed. Only the loop's thread.
  static Result<const CurlLibrary*> load();
};

}  // namespace millrace::io::posix
