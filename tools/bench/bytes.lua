-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk: prints how many bytes were read, exactly and with those of the last, unfinished responses.

function done(summary)
	print("bytes: " .. summary.bytes)
end
