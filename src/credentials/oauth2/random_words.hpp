#pragma once

#include <string>

namespace millrace::credentials::oauth2 {

/// 256 random bits in Base64 for URLs without padding, 43 characters: a state, a code verifier (RFC 7636 §4.1).
std::string random_word();
/// The S256 challenge of a code verifier (§4.2).
std::string s256_challenge(const std::string& verifier);

}  // namespace millrace::credentials::oauth2
