package import ArgumentParser

/// How long a list may be asked for: the engine's own functions give so many rows at most.
package enum PageLength {
    package static func check(
        _ count: Int,
        of option: String = "--count"
    ) throws(ValidationError) {
        guard (1...1000).contains(count) else {
            throw ValidationError("\(option) is a number from 1 to 1000")
        }
    }
}
