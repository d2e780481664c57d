package import ArgumentParser

/// What `--count` of a list may be: the engine's own functions give so many rows at most.
package enum PageLength {
    package static func check(_ count: Int) throws(ValidationError) {
        guard (1...1000).contains(count) else {
            throw ValidationError("--count is a number from 1 to 1000")
        }
    }
}
