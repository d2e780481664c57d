import Testing

@testable import Cron

@Suite("The grammar of cron expressions")
struct CronGrammarTests {
    @Test(
        "six or seven fields, every form of a field, names, blanks and shorthands are read",
        arguments: [
            "* * * * * *", "0 0 0 1 1 1", "59 59 23 31 12 7", "0 0 0 * * * *",
            "0 0 0 1 1 1 1970", "0 0 0 1 1 1 2100", "0,1,2 * * * * *",
            "1-5,10,20-30/5,*/7 * * * * *", "5-5 * * * * *",
            "*/1 * * * * *", "*/59 * * * * *", "10/5 * * * * *", "5-20/3 * * * * *",
            "0 0 */23 * * *", "0 0 0 */31 * *", "0 0 0 * */12 *", "0 0 0 * * */7",
            "0 0 0 ? * ?", "0 0 0 ?/2 * ?/3", "0 0 0 ?,1 * *",
            "0 0 0 * Jan,FEB,march *", "0 0 0 * jan-dec *", "0 0 0 * jan-dec/2 *",
            "0 0 0 * * sun", "0 0 0 * * Mon-Fri", "0 0 0 * * tues,THURS,Saturday",
            "0 0 0 * * mon-fri/2", "0 0 0 * * 2-Fri", "0 0 0 * * 1/2", "0 0 0 * * * 2020/2",
            "0 0 0 * * * 2020-2030/5", "0 0 0 * * * 2024,2028", "00 05 007 01 * *",
            "  0\t0  0 *\n* *  ", "@yearly", "@monthly", "@weekly", "@daily", " @hourly ",
            "0 0 0 30 2 *",
        ]
    )
    func accepted(text: String) throws {
        #expect(try CronExpression(text).text == text)
    }

    @Test(
        "what is wrong is named with its field, its text and what is allowed",
        arguments: [
            ("60 * * * * *", "second \"60\": 60 is not allowed; expected 0 to 59"),
            ("* 60 * * * *", "minute \"60\": 60 is not allowed; expected 0 to 59"),
            ("* * 24 * * *", "hour \"24\": 24 is not allowed; expected 0 to 23"),
            ("* * * 0 * *", "day of month \"0\": 0 is not allowed; expected 1 to 31"),
            ("* * * 32 * *", "day of month \"32\": 32 is not allowed; expected 1 to 31"),
            ("* * * * 0 *", "month \"0\": 0 is not allowed; expected 1 to 12 or jan to dec"),
            ("* * * * 13 *", "month \"13\": 13 is not allowed; expected 1 to 12 or jan to dec"),
            (
                "0 0 0 * * 0",
                "day of week \"0\": 0 is not allowed; "
                    + "expected 1 (Sunday) to 7 (Saturday) or sun to sat"
            ),
            (
                "0 0 0 * * 8",
                "day of week \"8\": 8 is not allowed; "
                    + "expected 1 (Sunday) to 7 (Saturday) or sun to sat"
            ),
            ("* * * * * * 1969", "year \"1969\": 1969 is not allowed; expected 1970 to 2100"),
            ("* * * * * * 2101", "year \"2101\": 2101 is not allowed; expected 1970 to 2100"),
            ("* */60 * * * *", "minute \"*/60\": the step must be 1 to 59"),
            ("* * */24 * * *", "hour \"*/24\": the step must be 1 to 23"),
            ("* * * */32 * *", "day of month \"*/32\": the step must be 1 to 31"),
            ("* * * * * */8", "day of week \"*/8\": the step must be 1 to 7"),
            ("*/0 * * * * *", "second \"*/0\": the step must be 1 to 59"),
            ("*/ * * * * *", "second \"*/\": the step must be 1 to 59"),
            ("*/-1 * * * * *", "second \"*/-1\": the step must be 1 to 59"),
            ("*/x * * * * *", "second \"*/x\": the step must be 1 to 59"),
            ("*/2/3 * * * * *", "second \"*/2/3\": the step must be 1 to 59"),
            (
                "* * * * * Mon/2",
                "day of week \"Mon/2\": a step needs * or a range before it, such as Mon-7/2"
            ),
            (
                "* * * * jan/2 *",
                "month \"jan/2\": a step needs * or a range before it, such as jan-12/2"
            ),
            (
                "30-10 * * * * *",
                "second \"30-10\": the range 30-10 goes down; write it as two ranges"
            ),
            (
                "* * * * * fri-mon",
                "day of week \"fri-mon\": the range fri-mon goes down; write it as two ranges"
            ),
            ("? * * * * *", "second \"?\": \(questionMark)"),
            ("* * * * ? *", "month \"?\": \(questionMark)"),
            (
                "0 0 0 * * * ?",
                "year \"?\": \(questionMark)"
            ),
            ("1,,2 * * * * *", "second \"1,,2\": a value is missing; expected 0 to 59"),
            (", * * * * *", "second \",\": a value is missing; expected 0 to 59"),
            ("1- * * * * *", "second \"1-\": a value is missing; expected 0 to 59"),
            ("-1 * * * * *", "second \"-1\": a value is missing; expected 0 to 59"),
            ("*-5 * * * * *", "second \"*-5\": * is not allowed; expected 0 to 59"),
            ("+1 * * * * *", "second \"+1\": +1 is not allowed; expected 0 to 59"),
            ("1.5 * * * * *", "second \"1.5\": 1.5 is not allowed; expected 0 to 59"),
            ("mon * * * * *", "second \"mon\": mon is not allowed; expected 0 to 59"),
            ("* * * L * *", "day of month \"L\": L is not allowed; expected 1 to 31"),
            ("* * * 15W * *", "day of month \"15W\": 15W is not allowed; expected 1 to 31"),
            (
                "* * * * * 6#3",
                "day of week \"6#3\": 6#3 is not allowed; "
                    + "expected 1 (Sunday) to 7 (Saturday) or sun to sat"
            ),
            (
                "* * * * * sunda",
                "day of week \"sunda\": sunda is not allowed; "
                    + "expected 1 (Sunday) to 7 (Saturday) or sun to sat"
            ),
            (
                "99999999999999999999 * * * * *",
                "second \"99999999999999999999\": 99999999999999999999 is not allowed; "
                    + "expected 0 to 59"
            ),
        ]
    )
    func refused(text: String, problem: String) {
        #expect(refusal(of: text) == "invalid cron expression \"\(text)\": \(problem)")
    }

    @Test(
        "five fields are read as in crontab(5)",
        arguments: [
            "* * * * *", "0 2 * * *", "*/15 * * * *", "0-30/5,45 9-17 1,15 * *", "0 0 * * 0",
            "0 0 * * 7", "0 0 * * 5-7", "0 0 * jan,jul sun-sat", "0 0 1 * mon", "5 4 * * Sun",
        ]
    )
    func crontabAccepted(text: String) throws {
        #expect(try CronExpression(text).text == text)
    }

    @Test(
        "five fields refuse what crontab(5) does not know",
        arguments: [
            ("60 * * * *", "minute \"60\": 60 is not allowed; expected 0 to 59"),
            ("* 24 * * *", "hour \"24\": 24 is not allowed; expected 0 to 23"),
            (
                "* * * * 8",
                "day of week \"8\": 8 is not allowed; "
                    + "expected 0 to 7 (0 and 7 are Sunday) or sun to sat"
            ),
            ("* * ? * *", "day of month \"?\": \(questionMark)"),
            (
                "5/15 * * * *",
                "minute \"5/15\": a step needs * or a range before it, such as 5-59/15"
            ),
            (
                "0 0 * * sat-sun",
                "day of week \"sat-sun\": the range sat-sun goes down; write it as two ranges"
            ),
        ]
    )
    func crontabRefused(text: String, problem: String) {
        #expect(refusal(of: text) == "invalid cron expression \"\(text)\": \(problem)")
    }

    @Test("another number of fields is refused and counted", arguments: [1, 2, 3, 4, 8, 9])
    func fieldCount(count: Int) {
        let text = Array(repeating: "*", count: count).joined(separator: " ")
        #expect(throws: CronExpressionError(expression: text, problem: .fieldCount(count))) {
            try CronExpression(text)
        }
        #expect(refusal(of: text)?.contains("it has \(count) field") == true)
    }

    @Test(
        "other shorthands are refused",
        arguments: ["@reboot", "@annually", "@midnight", "@Daily", "@", "@daily *"]
    )
    func shorthand(text: String) {
        #expect(throws: CronExpressionError(expression: text, problem: .unknownShorthand)) {
            try CronExpression(text)
        }
    }

    @Test("an empty text and an endless one are refused")
    func extremes() {
        #expect(throws: CronExpressionError(expression: " \t", problem: .empty)) {
            try CronExpression(" \t")
        }
        let long = String(repeating: "1,", count: CronExpression.bytesMax) + "1 * * * * *"
        let tooLong = CronExpressionError(expression: long, problem: .tooLong(bytes: 2059))
        #expect(throws: tooLong) {
            try CronExpression(long)
        }
    }

    private func refusal(of text: String) -> String? {
        do throws(CronExpressionError) {
            _ = try CronExpression(text)
            return nil
        } catch {
            return error.description
        }
    }
}

private let questionMark = "? stands for days of 6 and 7 fields only; use *"
