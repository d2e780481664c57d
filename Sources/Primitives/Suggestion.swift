/// What a misspelt word was probably meant to be.
package enum Suggestion {
    /// At most `count` candidates that are close enough to `word` to be meant, or have it within
    /// them, the closest first.
    package static func nearest(
        _ count: Int,
        to word: String,
        in candidates: [String]
    ) -> [String] {
        let part = word.lowercased()
        let near = ranked(candidates, by: word).filter { one in
            let isPart = !part.isEmpty && one.candidate.lowercased().contains(part)
            return isPart || one.distance <= reach(of: word)
        }
        return near.prefix(count).map(\.candidate)
    }

    /// The candidate closest to `word` by edit distance, if any is close enough to be meant. The
    /// first of equals.
    package static func nearest(to word: String, in candidates: [String]) -> String? {
        guard let best = ranked(candidates, by: word).first, best.distance <= reach(of: word) else {
            return nil
        }
        return best.candidate
    }

    /// The candidate that `word` was probably meant to be: the closest one that is close enough,
    /// or else the first one that it shortens, as `ttl` does `ttl_ms` and `tz` does `timezone`.
    package static func meant(by word: String, in candidates: [String]) -> String? {
        nearest(to: word, in: candidates) ?? candidates.first { isShort(word, for: $0) }
    }

    /// Whether `word` begins as `candidate` does, and has others of its characters in their order.
    private static func isShort(_ word: String, for candidate: String) -> Bool {
        guard word.count > 1, word.first == candidate.first else { return false }
        var rest = word[...]
        for character in candidate where character == rest.first { rest.removeFirst() }
        return rest.isEmpty
    }

    /// One edit in three characters, and at least one.
    private static func reach(of word: String) -> Int { max(1, word.count / 3) }

    /// The nearest first; of equals, in their order.
    private static func ranked(
        _ candidates: [String],
        by word: String
    ) -> [(candidate: String, distance: Int)] {
        let word = word.lowercased()
        let ranked = candidates.enumerated().map { place, candidate in
            (candidate, distance: editDistance(word, candidate.lowercased()), place: place)
        }
        return ranked.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
            .map { ($0.0, $0.distance) }
    }

    /// `; did you mean "key"?`, or the list of what is allowed where nothing is near.
    package static func phrase(for word: String, in candidates: [String]) -> String {
        if let near = nearest(to: word, in: candidates) { return "; did you mean \"\(near)\"?" }
        return "; allowed: \(candidates.joined(separator: ", "))"
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the
    /// other (optimal string alignment).
    static func editDistance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                var distance = min(
                    last[column] + 1,
                    current[column - 1] + 1,
                    last[column - 1] + cost
                )
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    distance = min(distance, beforeLast[column - 2] + 1)
                }
                current.append(distance)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
