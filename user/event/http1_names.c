/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/http1_names.h"

const char *kw_http_error_name(enum http1_error error)
{
	static const char *const names[HTTP1_ERROR_MAX] = {
		[HTTP1_ERROR_START_LINE] = "start_line",
		[HTTP1_ERROR_NOT_A_RESPONSE] = "not_a_response",
		[HTTP1_ERROR_FRAMING_FIELD] = "framing_field",
		[HTTP1_ERROR_BLANKS] = "blanks",
		[HTTP1_ERROR_VERSION] = "version",
		[HTTP1_ERROR_CHUNK_WORDS] = "chunk_words",
		[HTTP1_ERROR_REQUEST_LINE] = "request_line",
		[HTTP1_ERROR_SURPLUS] = "surplus",
		[HTTP1_ERROR_FIELD_NAME] = "field_name",
		[HTTP1_ERROR_SPACE_BEFORE_COLON] = "space_before_colon",
		[HTTP1_ERROR_NO_COLON] = "no_colon",
		[HTTP1_ERROR_FOLD] = "fold",
		[HTTP1_ERROR_CONTENT_LENGTH] = "content_length",
		[HTTP1_ERROR_TRANSFER_ENCODING] = "transfer_encoding",
		[HTTP1_ERROR_CHUNK] = "chunk",
		[HTTP1_ERROR_AMBIGUOUS_LENGTH] = "ambiguous_length",
		[HTTP1_ERROR_CODING_IN_HTTP10] = "coding_in_http10",
		[HTTP1_ERROR_KEEP_ALIVE_VALUE] = "keep_alive_value",
		[HTTP1_ERROR_KEEP_ALIVE_UNNAMED] = "keep_alive_unnamed",
	};

	return names[error];
}

const char *kw_method_name(enum http1_method method)
{
	switch (method) {
	case HTTP1_METHOD_SAFE:
		return "safe";
	case HTTP1_METHOD_IDEMPOTENT:
		return "idempotent";
	case HTTP1_METHOD_HEAD:
		return "HEAD";
	case HTTP1_METHOD_CONNECT:
		return "CONNECT";
	default:
		return "other";
	}
}
