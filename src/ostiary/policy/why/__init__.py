"""Why a request was answered as it was, part by part, and what would have answered it otherwise. Deciding is `engine`'s."""
