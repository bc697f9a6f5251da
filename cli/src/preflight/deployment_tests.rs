//! The template as preflight reads it.

use super::*;

fn real() -> Template {
    Template::read(include_str!("../../../template.yaml")).unwrap()
}

fn with(given: &[(&str, &str)]) -> Values {
    let mut values = real().defaults();
    values.extend(
        given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    values
}

const SCHOOL: [(&str, &str); 4] = [
    ("Pipelines", "course"),
    ("AdminServiceUrl", "https://admin.example.com"),
    ("RazorpayWebhookSecretArn", "arn:w"),
    ("ConfirmationSecretArn", "arn:c"),
];

#[test]
fn a_school_is_made_whole_and_reserves_what_the_documents_say() {
    let template = real();
    let school = Deployment::of(&template, with(&SCHOOL));
    assert_eq!(school.refusals().unwrap(), Vec::<String>::new());
    assert!(school.holds("MakesNetwork").unwrap() && !school.holds("MakesProxy").unwrap());
    assert_eq!(school.count("AWS::RDS::DBInstance").unwrap(), 1);
    let shop = [("Pipelines", "both"), ("ConsoleIssuer", "https://id.example.com")];
    for (scale, reserved) in [("small", 73), ("full", 474)] {
        let values = with(&[&SCHOOL[..], &shop, &[("Scale", scale)]].concat());
        assert_eq!(
            Deployment::of(&template, values).reserved().unwrap(),
            reserved,
            "{scale}"
        );
    }
    let shared = Deployment::of(
        &template,
        with(&[&SCHOOL[..], &[("ReserveConcurrency", "no")]].concat()),
    );
    assert_eq!(shared.reserved().unwrap(), 0);
}

#[test]
fn what_is_given_for_a_pipeline_that_is_not_chosen_is_not_looked_at() {
    let template = real();
    let given = [
        &SCHOOL[..],
        &[("KhaltiSecretArn", "arn:k"), ("EsewaSecretArn", "arn:e")],
    ]
    .concat();
    let asked = |pipelines: &'static str| {
        let values = with(&[&given[..], &[("Pipelines", pipelines)]].concat());
        let deployment = Deployment::of(&template, values);
        let secrets = deployment.secrets().unwrap();
        let names: Vec<String> = secrets.into_iter().map(|(name, _)| name.to_owned()).collect();
        (names.join(" "), deployment.alarmed_metrics().unwrap())
    };
    let (of_course, of_shop, of_both) = (asked("course"), asked("shop"), asked("both"));
    assert_eq!(of_course.0, "ConfirmationSecretArn RazorpayWebhookSecretArn");
    assert_eq!(of_shop.0, "EsewaSecretArn KhaltiSecretArn");
    assert_eq!(
        of_both.0,
        "ConfirmationSecretArn EsewaSecretArn KhaltiSecretArn RazorpayWebhookSecretArn"
    );
    assert!(of_course.1 < of_both.1 && of_shop.1 < of_both.1);
}

#[test]
fn half_a_set_is_refused_in_the_templates_words() {
    let template = real();
    let half = Deployment::of(
        &template,
        with(&[&SCHOOL[..], &[("VpcId", "vpc-1"), ("Pipelines", "both")]].concat()),
    );
    let refusals = half.refusals().unwrap();
    assert!(
        refusals
            .iter()
            .any(|refusal| refusal.starts_with("VpcId and VpcSecurityGroupIds need VpcSubnetIds")),
        "{refusals:?}"
    );
    assert!(
        refusals.contains(&"A shop needs JwtIssuer; for a course alone give Pipelines=course.".to_owned()),
        "{refusals:?}"
    );
    let list = Deployment::of(
        &template,
        with(
            &[
                &SCHOOL[..],
                &[("VpcId", "vpc-1"), ("VpcSubnetIds", "subnet-1, subnet-2")],
            ]
            .concat(),
        ),
    );
    assert_eq!(list.refusals().unwrap(), Vec::<String>::new());
    assert_eq!(list.listed("VpcSubnetIds"), ["subnet-1", "subnet-2"]);
}

#[test]
fn every_condition_of_the_template_can_be_decided() {
    let template = real();
    let school = Deployment::of(&template, with(&SCHOOL));
    let conditions: Vec<&String> = school.document["Conditions"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert!(conditions.len() > 30, "{}", conditions.len());
    conditions
        .iter()
        .for_each(|name| assert!(school.holds(name).is_ok(), "{name}: {:?}", school.holds(name)));
}
